//! Three brokers as one: what was acknowledged outlives any one of them; and the files for real machines are well formed.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;
use async_nats::jetstream;
use devstack::nats::rights::role_names;
use devstack::test::{TestCluster, cluster, cluster_with_users};
use devstack::tools::{Tools, tools_dir};

type Outcome = anyhow::Result<()>;

async fn with_stream(cluster: &TestCluster) -> anyhow::Result<jetstream::Context> {
    let servers: Vec<String> = cluster.url().split(',').map(str::to_owned).collect();
    let js = jetstream::new(async_nats::connect(servers).await?);
    let config = jetstream::stream::Config {
        name: "KEPT".into(),
        subjects: vec!["kept.>".into()],
        num_replicas: 3,
        ..Default::default()
    };
    js.create_stream(config).await?;
    Ok(js)
}

/// Asks until it is answered: of a node that has just died, a client learns late.
async fn patiently<T, E: Into<anyhow::Error>>(
    mut ask: impl AsyncFnMut() -> Result<T, E>,
) -> anyhow::Result<T> {
    let begun = Instant::now();
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) if begun.elapsed() > Duration::from_secs(30) => return Err(error.into()),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Publishes until it is acknowledged.
async fn publish(js: &jetstream::Context, text: &'static str) -> anyhow::Result<()> {
    let stored = patiently(async || js.publish("kept.one", text.into()).await?.await);
    stored.await.map(drop)
}

/// The first message that is kept.
async fn first(js: &jetstream::Context) -> anyhow::Result<Vec<u8>> {
    let stream = patiently(async || js.get_stream("KEPT").await).await?;
    let message = patiently(async || stream.get_raw_message(1).await).await?;
    Ok(message.payload.into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_outlives_its_leader() -> Outcome {
    let mut cluster = cluster().await?;
    assert_eq!(cluster.size(), 3);
    let js = with_stream(&cluster).await?;
    publish(&js, "before").await?;
    let leader = cluster.elected("KEPT").await?;

    cluster.node(leader).kill()?;
    let next = cluster.elected("KEPT").await?;
    assert_ne!(next, leader);
    assert_eq!(first(&js).await?, b"before");
    publish(&js, "after").await?;

    cluster.node(leader).restart().await?;
    cluster.ready().await?;
    let mut stream = patiently(async || js.get_stream("KEPT").await).await?;
    let info = patiently(async || stream.info().await.cloned()).await?;
    let info = info.cluster.context("a cluster")?;
    assert!(
        info.replicas.iter().all(|replica| replica.current),
        "{info:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_told_to_leave_hands_over_before_it_goes() -> Outcome {
    let mut cluster = cluster().await?;
    let js = with_stream(&cluster).await?;
    publish(&js, "before").await?;
    let leader = cluster.elected("KEPT").await?;
    let (sender, mut leaving) = tokio::sync::mpsc::unbounded_channel();
    let _client = async_nats::ConnectOptions::new()
        .event_callback(move |event| {
            if let async_nats::Event::LameDuckMode = event {
                sender.send(()).ok();
            }
            async {}
        })
        .connect(cluster.node(leader).url())
        .await?;
    cluster.node(leader).lame_duck()?;
    let begun = Instant::now();
    while cluster
        .leader_of("KEPT")
        .await
        .is_none_or(|now| now == leader)
    {
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(20), "no hand-over");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Who merely dies, or is cut off, says nothing of it.
    let told = tokio::time::timeout(Duration::from_secs(20), leaving.recv()).await;
    anyhow::ensure!(told == Ok(Some(())), "its clients are not told to leave");
    // Somewhere else, so that it can end.
    js.client().force_reconnect().await?;
    publish(&js, "after").await?;
    while cluster.node(leader).is_running() {
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(40), "it does not end");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    cluster.node(leader).restart().await?;
    cluster.ready().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_steps_down_when_the_administrator_asks() -> Outcome {
    let cluster = cluster_with_users().await?;
    let admin = cluster.users().and_then(|users| users.credential("admin"));
    let admin = admin.context("an administrator")?;
    let options = async_nats::ConnectOptions::with_user_and_password(admin.user, admin.password)
        .custom_inbox_prefix(admin.inbox_prefix);
    let client = options.connect(cluster.nodes()[0].url()).await?;
    let config = jetstream::stream::Config {
        name: "KEPT".into(),
        num_replicas: 3,
        ..Default::default()
    };
    jetstream::new(client).create_stream(config).await?;
    let before = cluster.elected("KEPT").await?;
    assert_ne!(cluster.step_down("KEPT").await?, before);
    assert!(cluster.meta_leader().await.is_some());
    Ok(())
}

/// `nats/cluster/node.conf` as three real machines would use it, checked by the server itself.
#[test]
fn the_file_for_real_machines_is_well_formed() -> Outcome {
    let dir = tempfile::tempdir()?;
    let (key, certificate) = (dir.path().join("key.pem"), dir.path().join("cert.pem"));
    let made = Command::new("openssl")
        .args(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=nats-1"
                .split(' '),
        )
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        eprintln!("skipped: there is no openssl to make a certificate with");
        return Ok(());
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../nats/cluster/node.conf");
    let mut check = Command::new(&Tools::locate(&tools_dir())?.nats_server);
    check.arg("-t").arg("-c").arg(file);
    let route = "nats-route://route:wPW@";
    let variables = [
        ("WORLDLINE_NATS_NAME", "nats-1".to_owned()),
        ("WORLDLINE_NATS_LISTEN", "0.0.0.0:4222".to_owned()),
        ("WORLDLINE_NATS_MONITOR", "127.0.0.1:8222".to_owned()),
        ("WORLDLINE_NATS_STORE", dir.path().display().to_string()),
        ("WORLDLINE_NATS_FILE_STORE", "100G".to_owned()),
        ("WORLDLINE_NATS_SYNC", "always".to_owned()),
        ("WORLDLINE_CLUSTER_LISTEN", "10.0.0.1:6222".to_owned()),
        (
            "WORLDLINE_CLUSTER_ADVERTISE",
            "nats-1.example.net:6222".to_owned(),
        ),
        (
            "WORLDLINE_CLIENT_ADVERTISE",
            "nats-1.example.net:4222".to_owned(),
        ),
        (
            "WORLDLINE_CLUSTER_ROUTES",
            format!("[{route}nats-1.example.net:6222, {route}nats-2.example.net:6222]"),
        ),
        ("WORLDLINE_CLUSTER_PASSWORD", "wPW".to_owned()),
        (
            "WORLDLINE_CLUSTER_TLS_CERT",
            certificate.display().to_string(),
        ),
        ("WORLDLINE_CLUSTER_TLS_KEY", key.display().to_string()),
        (
            "WORLDLINE_CLUSTER_TLS_CA",
            certificate.display().to_string(),
        ),
    ];
    check.env_clear().envs(variables);
    for role in role_names()? {
        check.env(
            format!("WORLDLINE_NATS_PASSWORD_{}", role.to_uppercase()),
            "wPW",
        );
    }
    let said = check.output()?;
    assert!(
        said.status.success(),
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
    Ok(())
}
