use bytes::Bytes;
use eventlog::SnapshotPoint;
use schemas::fact::Fact;
use schemas::{Claim, Epoch, Incarnation, UnixMillis, encode};
use world::{FrameHeader, HASH_VERSION, Map, RULES_VERSION, Rules, TickInput, decide_tick};

use super::*;

/// A log of so many frames of one area, and its states after some of them.
struct Written {
    log: EventLog,
    area: AreaId,
    incarnation: Incarnation,
    states: Vec<(Sequence, AreaState)>,
}

fn map() -> &'static Map {
    &world::maps::builtin("harbor").unwrap().map
}

async fn written(frames: u64) -> Written {
    let (log, _) = EventLog::in_memory();
    let area = AreaId::new("harbor-1").unwrap();
    let mut appender = log.appender(&area_events(&area)).await.unwrap();
    let header = FrameHeader {
        epoch: Epoch(1),
        claim: Claim(1),
    };
    let mut state = AreaState::new(area.clone(), "harbor");
    let mut states = Vec::new();
    for n in 0..frames {
        let at = UnixMillis(1000 + n * 40);
        let decision = if n == 0 {
            let owned = Fact::Owned {
                worker: "ann".into(),
                build: "test".into(),
                rules: RULES_VERSION,
                map: "harbor".into(),
                map_hash: map().digest,
                seed: 1,
                hash_version: HASH_VERSION,
                resume_tick: state.tick(),
                lost: None,
            };
            world::resume(&Rules::DEFAULT, &state, map(), owned, at)
        } else {
            let input = TickInput {
                tick: state.tick().next(),
                at,
                ..TickInput::default()
            };
            decide_tick(&Rules::DEFAULT, &state, map(), input)
        };
        let (_, bytes, next) = decision.seal(&header);
        let sequence = appender.append(bytes.into(), None).await.unwrap();
        state = next;
        states.push((sequence, state.clone()));
    }
    Written {
        incarnation: log.stream_info(AREA_EVENTS).await.unwrap().incarnation,
        log,
        area,
        states,
    }
}

impl Written {
    async fn save(&self, after: usize, bytes: impl FnOnce(&AreaState) -> Vec<u8>) {
        let (sequence, state) = &self.states[after - 1];
        self.save_at(*sequence, self.incarnation, state, bytes(state))
            .await;
    }

    async fn save_at(
        &self,
        sequence: Sequence,
        incarnation: Incarnation,
        state: &AreaState,
        bytes: Vec<u8>,
    ) {
        let point = SnapshotPoint {
            incarnation,
            sequence,
            digest: state.last_digest(),
        };
        let snapshots = self.log.snapshots();
        snapshots
            .save(&self.area, point, Bytes::from(bytes))
            .await
            .unwrap();
    }

    async fn restore(&self) -> Result<Restored, RestoreError> {
        restore(&self.log, &self.area, "harbor").await
    }

    fn last(&self) -> &AreaState {
        &self.states.last().unwrap().1
    }
}

#[tokio::test]
async fn an_area_without_frames_is_new() {
    let log = written(0).await;
    let restored = log.restore().await.unwrap();
    assert_eq!((restored.sequence, restored.frames), (Sequence(0), 0));
}

#[tokio::test]
async fn a_snapshot_and_its_tail_are_the_whole() {
    let log = written(40).await;
    let whole = log.restore().await.unwrap();
    assert_eq!((&whole.state, whole.frames), (log.last(), 40));
    log.save(10, encode).await;
    log.save(30, encode).await;
    let restored = log.restore().await.unwrap();
    assert_eq!((&restored.state, restored.frames), (log.last(), 10));
    assert_eq!(restored.sequence, whole.sequence);
}

#[tokio::test]
async fn an_unreadable_snapshot_falls_back_to_the_older_and_then_to_the_whole_log() {
    let log = written(40).await;
    log.save(10, encode).await;
    log.save(30, |_| b"no snapshot".to_vec()).await;
    let restored = log.restore().await.unwrap();
    assert_eq!((&restored.state, restored.frames), (log.last(), 30));
    log.save(35, |_| b"nor this".to_vec()).await;
    log.save(36, |_| Vec::new()).await;
    let restored = log.restore().await.unwrap();
    assert_eq!((&restored.state, restored.frames), (log.last(), 40));
}

#[tokio::test]
async fn a_snapshot_of_another_state_than_it_says_is_passed_over() {
    let log = written(40).await;
    let wrong = log.states[4].1.clone();
    log.save(30, |_| encode(&wrong)).await;
    assert_eq!(&log.restore().await.unwrap().state, log.last());
}

#[tokio::test]
async fn a_log_that_ends_before_its_snapshot_or_is_another_is_refused() {
    let log = written(20).await;
    let beyond = Sequence(log.states.len() as u64 + 1);
    log.save_at(beyond, log.incarnation, log.last(), encode(log.last()))
        .await;
    let refused = log.restore().await.unwrap_err();
    assert!(
        matches!(refused, RestoreError::OtherLog { .. }),
        "{refused:?}"
    );

    let log = written(20).await;
    let (sequence, state) = &log.states[9];
    let other = Incarnation(log.incarnation.0 ^ 1);
    log.save_at(*sequence, other, state, encode(state)).await;
    let refused = log.restore().await.unwrap_err();
    assert!(
        matches!(refused, RestoreError::OtherLog { .. }),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_frame_that_does_not_follow_stops_the_restore() {
    let log = written(20).await;
    let mut appender = log.log.appender(&area_events(&log.area)).await.unwrap();
    let again = appender.last().unwrap().payload.clone();
    let sequence = appender.append(again, None).await.unwrap();
    match log.restore().await.unwrap_err() {
        RestoreError::Broken { sequence: at, .. } => assert_eq!(at, sequence),
        other => panic!("{other:?}"),
    }
}
