//! A broker through its life: ready, killed, restarted on the same port and streams, frozen and woken.

use std::time::Duration;

use async_nats::jetstream;
use devstack::ServerError;
use devstack::nats::{NatsConfig, NatsOptions, NatsServer};
use devstack::test::broker;
use devstack::tools::{Tools, tools_dir};

type Outcome = anyhow::Result<()>;

async fn jetstream(server: &NatsServer) -> anyhow::Result<jetstream::Context> {
    Ok(jetstream::new(async_nats::connect(server.url()).await?))
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_kill_and_restart() -> Outcome {
    let mut broker = broker().await?;
    let (port, pid) = (broker.client_port(), broker.pid());
    let js = jetstream(&broker).await?;
    let config = jetstream::stream::Config {
        name: "KEPT".into(),
        subjects: vec!["kept.>".into()],
        ..Default::default()
    };
    js.create_stream(config).await?;
    js.publish("kept.one", "before".into()).await?.await?;

    broker.kill()?;
    assert!(!broker.is_running());
    broker.restart().await?;
    assert_eq!(broker.client_port(), port);
    assert_ne!(broker.pid(), pid);

    let stream = jetstream(&broker).await?.get_stream("KEPT").await?;
    assert_eq!(stream.get_raw_message(1).await?.payload, "before");
    Ok(())
}

#[tokio::test]
async fn two_brokers_do_not_meet() -> Outcome {
    let (one, two) = (broker().await?, broker().await?);
    assert_ne!(one.client_port(), two.client_port());
    Ok(())
}

#[tokio::test]
async fn a_frozen_broker_answers_when_it_is_woken() -> Outcome {
    let mut broker = broker().await?;
    let client = async_nats::connect(broker.url()).await?;
    broker.pause()?;
    client.publish("anything", "x".into()).await?;
    let flushed = tokio::time::timeout(Duration::from_secs(20), client.flush()).await;
    // Flushing only hands the bytes to the kernel; the answer to a request is what must be missing.
    assert!(flushed.is_ok());
    let asked = tokio::time::timeout(
        Duration::from_millis(100),
        client.request("$JS.API.INFO", "".into()),
    )
    .await;
    assert!(asked.is_err(), "a frozen server answered");
    broker.resume()?;
    client.request("$JS.API.INFO", "".into()).await?;
    Ok(())
}

#[tokio::test]
async fn a_taken_port_is_one_sentence() -> Outcome {
    let taken = broker().await?;
    let store = tempfile::tempdir()?;
    let options = NatsOptions {
        tools: Tools::locate(&tools_dir())?,
        data_dir: store.path().to_path_buf(),
        port: Some(taken.client_port()),
        config: NatsConfig::default(),
        log_file: None,
    };
    let refused = NatsServer::start(options)
        .await
        .expect_err("the port is taken");
    assert!(
        matches!(refused, ServerError::PortTaken { port, .. } if port == taken.client_port()),
        "{refused}"
    );
    Ok(())
}

#[tokio::test]
async fn a_stopped_broker_leaves_nothing_but_its_data() -> Outcome {
    let mut broker = broker().await?;
    broker.stop().await?;
    assert!(!broker.is_running());
    assert!(async_nats::connect(broker.url()).await.is_err());
    Ok(())
}
