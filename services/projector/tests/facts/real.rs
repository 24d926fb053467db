//! On a real broker, with no more rights than the role has, and one that is killed.

use std::time::Duration;

use devstack::test::{TestBroker, broker_with_users};
use eventlog::streams::{self, StreamsFile};
use eventlog::{Connect, EventLog};
use past::Past;
use projector::facts::{fill, run};
use runtime::{Ctx, Shutdown};
use schemas::subjects::FACTS;

use crate::expected::{SOURCES, assert_told_once, everything, expected, records};
use crate::sample::{Realm, people, play};

async fn as_role(server: &TestBroker, role: &str) -> EventLog {
    let credential = server.users().unwrap().credential(role).unwrap();
    let options = Connect::to(server.url(), role).as_user(credential.user, credential.password);
    EventLog::connect(&options).await.unwrap()
}

/// Who writes which events.
const OWNERS: [(&str, &str); 4] = [
    ("AREA_EVENTS", "worker"),
    ("IDENTITY_EVENTS", "identity"),
    ("LOBBY_EVENTS", "lobby"),
    ("CONTROL_EVENTS", "director"),
];

/// A broker whose events are those of a realm that was played in memory.
async fn played() -> TestBroker {
    let server = broker_with_users().await.unwrap();
    let admin = as_role(&server, "admin").await;
    let file = StreamsFile::built_in().unwrap();
    streams::apply(&admin, &file).await.unwrap();
    let mut realm = Realm::new();
    play(&mut realm).await;
    people::live(&mut realm).await;
    for (stream, role) in OWNERS {
        let owner = as_role(&server, role).await;
        for record in records(&realm.log, stream).await {
            let mut appender = owner.appender(&record.subject).await.unwrap();
            appender.append(record.payload, None).await.unwrap();
        }
    }
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_role_may_do_all_that_telling_needs() {
    let server = played().await;
    let log = as_role(&server, "projector").await;
    let past = Past::from(log);
    // Twice: the second time from what `FACTS` itself says.
    for _ in 0..2 {
        fill(&everything(), &past, &Shutdown::new()).await.unwrap();
    }
    assert_told_once(&as_role(&server, "projector").await, &everything()).await;
}

/// Batches that were on their way are there or not; either way they are told once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_meanwhile_holds_everything_once() {
    let mut server = played().await;
    let log = as_role(&server, "projector").await;
    let reader = as_role(&server, "projector").await;
    let whole = expected(&reader, &everything()).await;
    let whole: usize = whole.values().map(Vec::len).sum();
    let mut config = everything();
    // Slow enough to be met in the middle.
    config.max_rate = u32::try_from(whole).unwrap() / 2;
    let ctx = Ctx::new(Shutdown::new());
    let writing = tokio::spawn(run(config, Past::from(log), ctx.clone()));
    for part in 1..=3 {
        wait_for(&reader, whole * part / 5).await;
        server.kill().unwrap();
        server.restart().await.unwrap();
    }
    wait_for(&reader, whole).await;
    ctx.shutdown.begin();
    writing.await.unwrap().unwrap();
    assert_told_once(&reader, &everything()).await;
    assert_eq!(SOURCES.len(), OWNERS.len());
}

async fn wait_for(log: &EventLog, messages: usize) {
    let there = async {
        loop {
            let info = log.stream_info(FACTS).await;
            if info.is_ok_and(|info| info.messages >= messages as u64) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), there)
        .await
        .unwrap_or_else(|_| panic!("FACTS did not come to {messages} messages"));
}
