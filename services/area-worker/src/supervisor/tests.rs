use bytes::Bytes;
use eventlog::{EventLog, membership};
use runtime::Span;
use schemas::control::{AreaControl, ControlEvent};
use schemas::fact::Fact;
use schemas::keyed::{KeyedEntry, Outbox};
use schemas::subjects::{Domain, area_events, keyed_events};
use schemas::{Claim, Epoch, Incarnation, Sequence, UnixMillis, encode};
use tokio::time::{sleep, sleep_until};
use world::{AreaState, FrameHeader, HASH_VERSION, RULES_VERSION, Rules};

use super::drain::until_nobody_else_serves;
use super::*;
use crate::config::Config;
use crate::heartbeat;

/// In the clock of the tests, which runs ahead whenever everybody waits.
const LONG: Duration = Duration::from_secs(600);

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

#[tokio::test(start_paused = true)]
async fn what_failed_while_standing_by_does_not_delay_owning() {
    let (log, _) = EventLog::in_memory();
    let area = harbor();
    let mut supervisor = supervisor(&log);
    let resting =
        |supervisor: &Supervisor| matches!(supervisor.slots.get(&area), Some(Slot::Resting { .. }));
    for (before, rests) in [(Wanted::Follow, false), (Wanted::Own, true)] {
        supervisor.wanted.insert(area.clone(), before);
        supervisor.failures.insert(area.clone(), 6);
        supervisor.rest(area.clone(), LONG, false);
        let placement = Placement {
            area: area.clone(),
            worker: Some("ann".into()),
            generation: 1,
            quarantined: false,
            successor: None,
        };
        supervisor.placed(&Entry {
            key: area.to_string(),
            value: Some(Bytes::from(encode(&placement))),
            revision: Sequence(1),
            at: UnixMillis(1),
        });
        assert_eq!(resting(&supervisor), rests, "{before:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_leaving_worker_hears_the_others_while_it_waits_for_the_members() {
    // Whatever the worker asks takes for ever, and what the others say comes at once.
    let (slow, faults) = EventLog::in_memory();
    let (log, _) = EventLog::in_memory();
    let mut supervisor = supervisor(&slow);
    let mut sources = Sources::open(&log).await.unwrap();
    faults.stall(LONG);
    supervisor.shared.peers.heard("ben".into());
    let ben = Shared::new(config("ben"), log.clone()).unwrap();
    let beating = tokio::spawn(heartbeat::beat(Arc::new(ben)));

    let (area, living) = (harbor(), Living::new(Wanted::Own));
    let orders = living.orders.clone();
    supervisor.slots.insert(area.clone(), Slot::Living(living));
    let (gone, let_go) = tokio::sync::oneshot::channel();
    supervisor.lives.spawn(async move {
        orders.release.cancelled().await;
        gone.send(Instant::now()).unwrap();
        (area, Life::Released)
    });
    if let Some(Slot::Living(living)) = supervisor.slots.get(&harbor()) {
        let owned = &living.vitals.owned;
        owned.store(true, std::sync::atomic::Ordering::Relaxed);
    }
    let begun = Instant::now();
    supervisor.drain(&mut sources).await;
    let waited = let_go.await.unwrap() - begun;
    let grace = config("ann").grace.duration();
    assert!(waited >= grace, "let go after {waited:?}");
    beating.abort();
}

#[tokio::test(start_paused = true)]
async fn who_is_heard_is_gone_when_two_looks_in_a_row_miss_the_entry() {
    let (log, _) = EventLog::in_memory();
    let shared = Arc::new(Shared::new(config("ann"), log.clone()).unwrap());
    shared.peers.heard("ben".into());
    let leaving = Arc::clone(&shared);
    let alone = tokio::spawn(async move { until_nobody_else_serves(&leaving).await });
    let hear = async |times: u32| {
        for _ in 0..times {
            shared.peers.heard("ben".into());
            sleep(Duration::from_millis(100)).await;
        }
    };
    // The first look comes at once, the second 200 ms later.
    hear(1).await;
    assert!(!alone.is_finished());
    let ben = Member {
        worker: "ben".into(),
        ..Member::default()
    };
    membership::announce(&log, &ben).await.unwrap();
    hear(20).await;
    assert!(!alone.is_finished(), "the entry is there");
    membership::leave(&log, &ben.worker).await.unwrap();
    hear(10).await;
    assert!(alone.is_finished());
}
