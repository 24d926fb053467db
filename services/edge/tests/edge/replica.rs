//! The edge as a reader of the log: where it begins, and when it stops.

use eventlog::{Follow, SnapshotPoint};
use runtime::{Span, render_metrics};
use schemas::frame::Frame;
use schemas::subjects::{AREA_EVENTS, area_events};
use schemas::{CharacterId, Digest, decode};
use world::AreaState;

use crate::client::Client;
use crate::stage::{Stage, area, config, ticket};

const RIGHT: u8 = 2;

/// Folds the log so far and saves it as a snapshot, damaged if wanted.
async fn snapshot(stage: &Stage, damaged: bool) {
    let harbor = area("harbor-1");
    let incarnation = stage
        .log
        .stream_info(AREA_EVENTS)
        .await
        .expect("a stream")
        .incarnation;
    let subjects = vec![area_events(&harbor)];
    let mut reader = stage
        .log
        .read(AREA_EVENTS, subjects, 0.into(), Follow::UntilHead);
    let mut state = AreaState::new(harbor.clone(), "harbor");
    let mut point = None;
    while let Some(record) = reader.next().await.expect("readable") {
        let digest = Digest::of(&record.payload);
        let frame: Frame = decode(&record.payload).expect("a frame");
        state.fold(&frame, digest).expect("it folds");
        point = Some(SnapshotPoint {
            incarnation,
            sequence: record.sequence,
            digest,
        });
    }
    let mut bytes = schemas::encode(&state);
    if damaged {
        bytes.truncate(bytes.len() / 2);
    }
    let point = point.expect("there are frames");
    let saved = stage
        .log
        .snapshots()
        .save(&harbor, point, bytes.into())
        .await;
    saved.expect("the first, or newer");
}

#[tokio::test]
async fn a_replica_opens_from_a_snapshot_and_passes_over_a_damaged_one() {
    let stage = Stage::new(&["harbor-1"]).await;
    let first = stage.edge().await;
    let mut ann = stage.player(&first, 1).await;
    let stood = ann.segment_of("p1").expect("her own");
    snapshot(&stage, false).await;
    ann.hold(1, RIGHT).await;
    ann.until_acknowledged(1).await;
    for damaged in [false, true] {
        if damaged {
            snapshot(&stage, true).await;
        }
        let edge = stage.edge().await;
        let ben = stage.player(&edge, 2 + u64::from(damaged)).await;
        let known = ben.segment_of("p1").expect("in view");
        // She walks, or has walked as far as she can.
        assert!(
            known.ax != 0 || known.vx != 0 || known.x != stood.x,
            "as the log tells, not as the snapshot: {known:?}"
        );
    }
}

#[tokio::test]
async fn a_log_that_does_not_fold_is_not_shown() {
    runtime::install_metrics().expect("the first");
    let mut stage = Stage::new(&["harbor-1"]).await;
    let edge = stage.edge().await;
    let mut ann = stage.player(&edge, 1).await;
    stage.stop_first_area();
    let subject = area_events(&area("harbor-1"));
    let mut appender = stage.log.appender(&subject).await.expect("the twin");
    let nonsense = b"this is no frame"[..].into();
    appender
        .append(nonsense, None)
        .await
        .expect("the twin takes anything");
    assert_eq!(ann.until_closed().await, 4000, "better stopped than wrong");
    assert!(render_metrics().contains("worldline_edge_closed_total{code=\"4000\"}"));
}

#[tokio::test]
async fn an_area_that_never_wakes_is_4016() {
    let stage = Stage::new(&[]).await;
    let mut config = config();
    config.enter_within = Span::from_millis(300);
    let edge = stage.edge_with(config).await;
    let mut ann = Client::open(edge.address).await;
    ann.identify(&ticket(CharacterId(1), "a")).await;
    assert_eq!(ann.until_closed().await, 4016);
}

#[tokio::test]
async fn a_runner_without_events_leaves_the_screens_behind() {
    let stage = Stage::new(&["harbor-1"]).await;
    stage.lobby.start_at("harbor-1", "from-forest");
    let edge = stage.edge().await;
    let mut ann = stage.player(&edge, 1).await;
    let mut ben = stage.player(&edge, 2).await;
    ann.until("both", |screen| screen.bodies.len() == 2).await;
    // Left along the quay, running, as far as it goes: hops over what is in the way.
    let mut seq = 0;
    while ann.segment_of("p2").is_some() {
        assert!(seq < 2000, "he is still there: {:?}", ann.segment_of("p2"));
        for bits in [1 | 16, 1 | 16 | 4] {
            seq += 1;
            ben.hold(seq, bits).await;
            ben.until_acknowledged(seq).await;
        }
        ann.hear().await;
    }
    assert!(ben.segment_of("p1").is_none(), "and she is gone for him");
}
