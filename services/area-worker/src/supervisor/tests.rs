use eventlog::EventLog;
use runtime::Span;
use schemas::control::{AreaControl, ControlEvent};
use schemas::fact::Fact;
use schemas::keyed::{KeyedEntry, Outbox};
use schemas::subjects::{Domain, area_events, keyed_events};
use schemas::{Claim, Epoch, Incarnation, Sequence, UnixMillis, encode};
use tokio::time::sleep_until;
use world::{AreaState, FrameHeader, HASH_VERSION, RULES_VERSION, Rules};

use super::*;
use crate::config::Config;

fn harbor() -> AreaId {
    AreaId::new("harbor-1").unwrap()
}

fn config(name: &str) -> Config {
    Config {
        name: Some(name.into()),
        tick_threads: 1,
        grace: Span::from_secs(3),
        ..Config::default()
    }
}

fn supervisor(log: &EventLog) -> Supervisor {
    let shared = Shared::new(config("ann"), log.clone()).unwrap();
    Supervisor::new(Arc::new(shared))
}

async fn open(log: &EventLog, area: &AreaId) {
    let opened = ControlEvent::AreaOpened {
        area: area.clone(),
        map: area.map().to_owned(),
        seed: 7,
    };
    let entry = KeyedEntry {
        v: 1,
        at: UnixMillis(1),
        incarnation: Incarnation(0),
        handled: Sequence(0),
        events: vec![opened],
        state: AreaControl {
            map: Some(area.map().to_owned()),
            seed: 7,
            ..AreaControl::default()
        },
        outbox: Outbox::default(),
        answered: None,
    };
    let subject = keyed_events(Domain::Control, area.as_str());
    let mut appender = log.appender(&subject).await.unwrap();
    appender.append(encode(&entry).into(), None).await.unwrap();
}

/// Ann's own first frame, under an epoch after which there is none: whoever claims the area next panics.
async fn owned_for_the_last_time(log: &EventLog, area: &AreaId) {
    let map = &world::maps::builtin(area.map()).unwrap().map;
    let state = AreaState::new(area.clone(), area.map());
    let owned = Fact::Owned {
        worker: "ann".into(),
        build: "test".into(),
        rules: RULES_VERSION,
        map: map.name.clone(),
        map_hash: map.digest,
        seed: 7,
        hash_version: HASH_VERSION,
        resume_tick: state.tick(),
        lost: None,
    };
    let header = FrameHeader {
        epoch: Epoch(u64::MAX),
        claim: Claim(1),
    };
    let decision = world::resume(&Rules::DEFAULT, &state, map, owned, UnixMillis(1));
    let (_, bytes, _) = decision.seal(&header);
    let mut appender = log.appender(&area_events(area)).await.unwrap();
    appender.append(bytes.into(), None).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_area_whose_claim_panics_is_tried_again() {
    let (log, _) = EventLog::in_memory();
    let area = harbor();
    open(&log, &area).await;
    owned_for_the_last_time(&log, &area).await;
    let mut supervisor = supervisor(&log);
    supervisor.wanted.insert(area.clone(), Wanted::Own);
    supervisor.begin(area.clone());
    for failures in 1..=3 {
        let ended = supervisor.lives.join_next().await.unwrap();
        supervisor.on(Event::Ended(ended)).unwrap();
        assert_eq!(supervisor.failures.get(&area), Some(&failures));
        let Some(Slot::Resting { until, .. }) = supervisor.slots.get(&area) else {
            panic!("it does not rest");
        };
        sleep_until(*until).await;
        supervisor.on(Event::Beat).unwrap();
        assert!(matches!(supervisor.slots.get(&area), Some(Slot::Living(_))));
    }
}
