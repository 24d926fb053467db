//! The same through a real broker, and with no more rights than the role has.

#[path = "../../replay/tests/sample/mod.rs"]
mod sample;
mod support;

use devstack::test::{TestBroker, broker, broker_with_users};
use eventlog::streams::{self, StreamsFile};
use eventlog::{Connect, EventLog};
use projector::{catch_up, check, dump};
use runtime::Shutdown;
use sample::{Realm, area_id, play};
use support::{config, past};

async fn apply_streams(log: &EventLog) {
    let wanted = StreamsFile::built_in().unwrap();
    streams::apply(log, &wanted).await.unwrap();
}

#[tokio::test]
async fn rows_follow_a_real_broker() {
    let server = broker().await.unwrap();
    let log = EventLog::connect(&Connect::to(server.url(), "test"))
        .await
        .unwrap();
    apply_streams(&log).await;
    let mut realm = Realm::on(log);
    let config = config().await;
    let running = support::projecting(&config, &realm.log);
    play(&mut realm).await;
    support::reach_heads(&config, &realm.log).await;
    let found = check(&config, &past(&realm.log), &Shutdown::new())
        .await
        .unwrap();
    assert_eq!(found.differences, Vec::<String>::new());
    assert!(found.rows > 10);
    running.abort();
}

async fn as_role(server: &TestBroker, role: &str) -> EventLog {
    let credential = server.users().unwrap().credential(role).unwrap();
    let options = Connect::to(server.url(), role).as_user(credential.user, credential.password);
    EventLog::connect(&options).await.unwrap()
}

#[tokio::test]
async fn the_role_may_do_all_that_projecting_needs() {
    let server = broker_with_users().await.unwrap();
    apply_streams(&as_role(&server, "admin").await).await;
    let worker = as_role(&server, "worker").await;
    let mut harbor = sample::Area::restore(&worker, &area_id("harbor-1")).await;
    harbor
        .own("w1", schemas::UnixMillis(sample::BEGINNING))
        .await;
    let log = as_role(&server, "projector").await;
    let config = config().await;
    // Twice: the second time from a position that is compared.
    for _ in 0..2 {
        catch_up(&config, &past(&log), &Shutdown::new())
            .await
            .unwrap();
    }
    assert_eq!(dump(&config).await.unwrap().table("areas").len(), 1);
}
