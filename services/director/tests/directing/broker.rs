//! Directors over a real broker that is paused and restarted, and over one another.

use std::time::{Duration, Instant};

use eventlog::streams::{self, StreamsFile};
use eventlog::{Connect, EventLog};
use runtime::Span;
use schemas::control::Placement;
use schemas::{AreaId, encode};

use crate::stage::{Stage, read};

async fn connect(broker: &devstack::test::TestBroker) -> EventLog {
    EventLog::connect(&Connect::to(broker.url(), "director"))
        .await
        .expect("a connection")
}

/// How long the broker is away: so that everybody is silent for longer than makes one suspected, and
/// entries run out.
const HARM: Duration = Duration::from_secs(4);

/// A broker with its streams, open to all.
async fn realm() -> devstack::test::TestBroker {
    let broker = devstack::test::broker().await.expect("a broker");
    let log = connect(&broker).await;
    streams::apply(&log, &StreamsFile::built_in().unwrap())
        .await
        .expect("streams");
    broker
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_silent_and_restarts_makes_nobody_move() {
    let mut broker = realm().await;
    let mut stage = Stage::on(connect(&broker).await).await;
    // Longer than a busy machine keeps a heartbeat waiting, and shorter than what is done to the broker.
    stage.config.suspect_after = Span::from_secs(2);
    let _workers = (stage.work("ann", &[]), stage.work("ben", &[]));
    stage.direct();
    let shared = |placed: &std::collections::BTreeMap<AreaId, Placement>| {
        let ben = placed
            .values()
            .filter(|p| p.worker.as_deref() == Some("ben"))
            .count();
        placed.len() == 3
            && (1..=2).contains(&ben)
            && placed.values().all(|p| p.successor.is_some())
    };
    let before = stage.settled(shared).await;
    broker.pause().expect("a pause");
    tokio::time::sleep(HARM).await;
    broker.resume().expect("no pause any more");
    stage.until_renewed().await;
    broker.kill().expect("a killed broker");
    tokio::time::sleep(HARM).await;
    broker.restart().await.expect("a broker again");
    // For longer than all are trusted after an outage.
    for _ in 0..4 {
        stage.until_renewed().await;
    }
    // A placement's generation would show a move there and back.
    let after = read(&stage.placements).await;
    assert_eq!(before, after, "a false alarm for everybody at once");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_takes_over_from_a_leader_that_is_gone_without_a_word() {
    let broker = realm().await;
    let mut stage = Stage::on(connect(&broker).await).await;
    let _ann = stage.work("ann", &[]);
    stage.direct();
    stage.until_placed(&[("ann", 3)]).await;
    let standby = stage.direct();
    stage.until_ready(&standby).await;
    stage.until_renewed().await;
    let (_, leader) = stage.directors.remove(0);
    leader.abort();
    let gone = Instant::now();
    // What runs goes on as it is placed: nobody writes anything while nobody leads.
    let before = read(&stage.placements).await;
    let lost = Placement {
        area: AreaId::new("harbor-1").unwrap(),
        worker: Some("nobody-of-that-name".into()),
        generation: 9,
        quarantined: false,
        successor: None,
    };
    stage
        .placements
        .put("harbor-1", encode(&lost).into())
        .await
        .unwrap();
    stage.until_placed(&[("ann", 3)]).await;
    let took = gone.elapsed();
    assert!(took > Duration::from_secs(1), "{took:?}");
    let after = read(&stage.placements).await;
    for (area, placed) in before {
        if area.as_str() != "harbor-1" {
            assert_eq!(after[&area], placed);
        }
    }
    stage.stop().await;
}
