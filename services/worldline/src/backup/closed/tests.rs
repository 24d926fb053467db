//! Against the twin of the broker: an area's frames, what is purged of them, and its snapshots.

use eventlog::SnapshotPoint;
use schemas::fact::Fact;
use schemas::subjects::area_events;
use schemas::{Claim, Epoch, UnixMillis, encode};
use world::{FrameHeader, HASH_VERSION, Map, RULES_VERSION, Rules, TickInput, decide_tick, resume};

use super::*;

/// An area with so many frames, and its states after them.
async fn written(log: &EventLog, area: &AreaId, frames: u64) -> Vec<(Sequence, AreaState)> {
    let map: &Map = &world::maps::builtin("harbor").unwrap().map;
    let mut appender = log.appender(&area_events(area)).await.unwrap();
    let header = FrameHeader {
        epoch: Epoch(1),
        claim: Claim(1),
    };
    let mut states: Vec<(Sequence, AreaState)> = Vec::new();
    for n in 0..frames {
        let at = UnixMillis(1000 + n * 40);
        let decision = match states.last() {
            None => {
                let state = AreaState::new(area.clone(), "harbor");
                let owned = Fact::Owned {
                    worker: "ann".into(),
                    build: "test".into(),
                    rules: RULES_VERSION,
                    map: "harbor".into(),
                    map_hash: map.digest,
                    seed: 1,
                    hash_version: HASH_VERSION,
                    resume_tick: state.tick(),
                    lost: None,
                };
                resume(&Rules::DEFAULT, &state, map, owned, at)
            }
            Some((_, state)) => {
                let input = TickInput {
                    tick: state.tick().next(),
                    at,
                    ..TickInput::default()
                };
                decide_tick(&Rules::DEFAULT, state, map, input)
            }
        };
        let (_, bytes, next) = decision.seal(&header);
        let sequence = appender.append(bytes.into(), None).await.unwrap();
        states.push((sequence, next));
    }
    states
}

async fn save(log: &EventLog, area: &AreaId, (sequence, state): &(Sequence, AreaState)) {
    let point = SnapshotPoint {
        incarnation: log.stream_info(AREA_EVENTS).await.unwrap().incarnation,
        sequence: *sequence,
        digest: state.last_digest(),
    };
    let snapshots = log.snapshots();
    let saved = snapshots.save(area, point, encode(state).into());
    saved.await.unwrap();
}

#[tokio::test]
async fn an_area_whose_first_frames_are_purged_opens_with_a_snapshot_that_they_follow() {
    let (log, _) = EventLog::in_memory();
    let areas = ["forest-1", "harbor-1", "harbor-2", "harbor-3"];
    let areas = areas.map(|area| area.parse::<AreaId>().unwrap());
    let [whole, follows, gap, none] = &areas;
    written(&log, whole, 6).await;
    let mut newest = Vec::new();
    for (area, after) in [(follows, Some(2)), (gap, Some(1)), (none, None)] {
        let mut states = written(&log, area, 6).await;
        if let Some(after) = after {
            save(&log, area, &states[after]).await;
        }
        let subject = area_events(area);
        let purged = log.purge(AREA_EVENTS, &subject, states[2].0);
        assert_eq!(purged.await.unwrap().messages, 3);
        newest.extend(states.pop());
    }
    assert_eq!(closed(&log).await.unwrap(), [gap.clone(), none.clone()]);
    // A later one helps, whatever the older is.
    save(&log, gap, &newest[1]).await;
    assert_eq!(closed(&log).await.unwrap(), std::slice::from_ref(none));
}
