//! Lost in a log that was made inconsistent on purpose, and never when only slow.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use eventlog::EventLog;
use eventlog::keyed::Keyed;
use schemas::command::{PlayerAsk, PlayerCommand};
use schemas::control::{AreaControl, ControlEvent};
use schemas::effect::{
    Cause, Confirmation, Effect, EffectMessage, EffectPayload, EntryPoint, Traveller,
};
use schemas::fact::Fact;
use schemas::ids::CommandPosition;
use schemas::keyed::Outbox;
use schemas::lobby::Evidence;
use schemas::subjects::{AggregateId, area_events};
use schemas::{
    AccountId, AreaId, Claim, Digest, EdgeId, Epoch, Incarnation, SessionFence, Tick, UnixMillis,
};
use tokio_util::sync::DropGuard;
use world::{
    AreaState, Command, Decision, FrameHeader, Incoming, Rules, TickInput, decide_tick, maps,
    resume,
};

use super::*;
use crate::tickets::Tickets;
use crate::tickets::tests::{PRIVATE, SECRET};

const ANN: CharacterId = CharacterId(7);
const OWNER: AccountId = AccountId(70);
const SOON: Duration = Duration::from_millis(120);

fn area(name: &str) -> AreaId {
    AreaId::new(name).unwrap()
}

fn characters() -> Arc<Characters> {
    let tickets = Tickets::new(SECRET, PRIVATE).unwrap();
    Arc::new(Characters::new(tickets, area("harbor-1"), "start"))
}

/// The log, with two areas opened.
async fn world() -> EventLog {
    let (log, _) = EventLog::in_memory();
    for name in ["harbor-1", "forest-1"] {
        let state = AreaControl {
            map: Some(area(name).map().to_owned()),
            ..AreaControl::default()
        };
        let key = area(name).to_string();
        let entry: KeyedEntry<ControlEvent, _> = entry(state, Vec::new());
        write(
            &log,
            &keyed_events(Domain::Control, &key),
            schemas::encode(&entry),
        )
        .await;
    }
    log
}

fn entry<E, S>(state: S, events: Vec<E>) -> KeyedEntry<E, S> {
    KeyedEntry {
        v: 1,
        at: UnixMillis(1),
        incarnation: Incarnation(0),
        handled: Sequence(0),
        events,
        state,
        outbox: Outbox::default(),
        answered: None,
    }
}

async fn write(log: &EventLog, subject: &str, bytes: Vec<u8>) {
    let mut appender = log.appender(subject).await.unwrap();
    appender.append(Bytes::from(bytes), None).await.unwrap();
}

/// An area whose frames a test writes.
struct Area<'a> {
    log: &'a EventLog,
    state: AreaState,
    commands: u64,
}

impl<'a> Area<'a> {
    async fn owned(log: &'a EventLog, name: &str) -> Self {
        let id = area(name);
        let state = AreaState::new(id.clone(), id.map());
        let mut area = Self {
            log,
            state,
            commands: 0,
        };
        let owned = Fact::Owned {
            worker: "w".into(),
            build: "test".into(),
            rules: world::RULES_VERSION,
            map: id.map().into(),
            map_hash: Digest::default(),
            seed: 1,
            hash_version: world::HASH_VERSION,
            resume_tick: Tick(0),
            lost: None,
        };
        let decision = resume(
            &world::Rules::DEFAULT,
            &area.state,
            area.map(),
            owned,
            UnixMillis::now(),
        );
        area.write(decision).await;
        area
    }

    fn map(&self) -> &'static world::Map {
        &maps::builtin(self.state.map_name()).unwrap().map
    }

    async fn write(&mut self, decision: Decision) {
        let header = FrameHeader {
            epoch: Epoch(1),
            claim: Claim(1),
        };
        let (_, bytes, next) = decision.seal(&header);
        self.state = next;
        write(self.log, &area_events(self.state.area()), bytes).await;
    }

    async fn decides(&mut self, command: Command) {
        self.commands += 1;
        let incoming = Incoming {
            position: CommandPosition {
                incarnation: Incarnation(5),
                sequence: Sequence(self.commands),
                index: 1,
            },
            stored_at: UnixMillis::now(),
            command,
        };
        let batch = TickInput {
            tick: self.state.tick().next(),
            at: UnixMillis::now(),
            commands: vec![incoming],
            first_facts: Vec::new(),
        };
        let decision = decide_tick(&Rules::DEFAULT, &self.state, self.map(), batch);
        self.write(decision).await;
    }

    /// Ann comes from the lobby and stands at the door to the forest.
    async fn ann_comes(&mut self) {
        let door = &maps::builtin("harbor").unwrap().map.doors[0];
        let traveller = Box::new(Traveller {
            character: ANN,
            account: OWNER,
            session: SessionFence(1),
            ..Traveller::default()
        });
        let entry = EntryPoint::At {
            x: door.x,
            y: door.y + door.height - world::rules::BODY_HEIGHT,
        };
        let effect = Effect {
            target: AggregateId::Area(self.state.area().clone()),
            number: 1,
            issued_at: UnixMillis::now(),
            payload: EffectPayload::Enter { traveller, entry },
        };
        self.decides(Command::Effect(EffectMessage {
            source: AggregateId::Character(ANN),
            cause: Cause {
                stream: "LOBBY_EVENTS".into(),
                sequence: Sequence(1),
            },
            effect,
        }))
        .await;
        assert!(self.state.by_character(ANN).is_some());
    }

    async fn ann_goes_through_the_door(&mut self) {
        self.decides(Command::Player {
            edge: EdgeId(1),
            cmd: PlayerCommand {
                character: ANN,
                session: SessionFence(1),
                seq: 1,
                ask: PlayerAsk::UseDoor,
            },
        })
        .await;
        assert!(self.state.by_character(ANN).is_none(), "she has left");
    }
}

/// The lobby believes Ann in the harbor, and has missed her there.
async fn ann_is_missed(log: &EventLog) -> Character {
    let state = Character {
        account: Some(OWNER),
        place: Some(Place::World(area("harbor-1"))),
        session: SessionFence(2),
        missing: Some(UnixMillis(1)),
        ..Character::default()
    };
    let missed = LobbyEvent::Missed {
        area: area("harbor-1"),
        at: UnixMillis(1),
    };
    let mut entry: Entry = entry(state.clone(), vec![missed]);
    let commands = log.stream_info(Domain::Lobby.command_stream()).await;
    entry.incarnation = commands.unwrap().incarnation;
    entry
        .outbox
        .sent
        .insert(AggregateId::Area(area("harbor-1")), 1);
    let subject = keyed_events(Domain::Lobby, &ANN.to_string());
    write(log, &subject, schemas::encode(&entry)).await;
    state
}

/// The lobby at work, with its search.
async fn lobby(log: &EventLog) -> DropGuard {
    let stop = CancellationToken::new();
    let search = Search::begin(log, characters(), SOON).await.unwrap();
    let served = Keyed::open(log.clone(), characters()).await.unwrap();
    tokio::spawn(search.run(stop.clone()));
    tokio::spawn(served.serve(stop.clone()));
    stop.drop_guard()
}

async fn newest(log: &EventLog) -> Entry {
    let subject = keyed_events(Domain::Lobby, &ANN.to_string());
    let record = log.last(&subject).await.unwrap().unwrap();
    schemas::decode(&record.payload).unwrap()
}

/// Waits until she is in the lobby.
async fn reclaimed(log: &EventLog) -> Option<Entry> {
    let waiting = async {
        loop {
            let entry = newest(log).await;
            if let Some(Place::Lobby(_)) = entry.state.place {
                return entry;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON * 10, waiting).await.ok()
}

#[tokio::test]
async fn a_character_that_the_log_has_lost_is_taken_back() {
    let log = world().await;
    let mut harbor = Area::owned(&log, "harbor-1").await;
    Area::owned(&log, "forest-1").await;
    harbor.ann_comes().await;
    harbor.ann_goes_through_the_door().await;
    // The forest's frame in which she came is not in the log; that it has taken her is.
    let taken = Confirmation {
        target: AggregateId::Area(area("forest-1")),
        up_to: 1,
    };
    harbor.decides(Command::Confirmation(taken)).await;
    let _lobby = lobby(&log).await;
    ann_is_missed(&log).await;
    let entry = reclaimed(&log).await.expect("she is nowhere");
    let [
        LobbyEvent::Reclaimed {
            character,
            session,
            evidence,
            ..
        },
    ] = &entry.events[..]
    else {
        panic!("{:?}", entry.events);
    };
    assert_eq!((*character, *session), (ANN, SessionFence(3)));
    assert_eq!((evidence.areas, evidence.session), (2, SessionFence(2)));
    assert_eq!(
        (entry.state.session, entry.state.missing),
        (SessionFence(3), None)
    );
    assert!(entry.state.over, "whoever waits has to come in anew");
    // Once, however often it is asked for.
    tokio::time::sleep(SOON * 10).await;
    assert_eq!(newest(&log).await.events, entry.events);
}

#[tokio::test]
async fn a_character_in_slow_transit_is_never_taken_back() {
    let log = world().await;
    let mut harbor = Area::owned(&log, "harbor-1").await;
    Area::owned(&log, "forest-1").await;
    harbor.ann_comes().await;
    harbor.ann_goes_through_the_door().await;
    let _lobby = lobby(&log).await;
    ann_is_missed(&log).await;
    assert!(reclaimed(&log).await.is_none(), "she is in the effect");
}

#[tokio::test]
async fn a_character_on_the_way_to_an_area_that_never_came_to_be_is_not_lost() {
    let log = world().await;
    let mut harbor = Area::owned(&log, "harbor-1").await;
    harbor.ann_comes().await;
    harbor.ann_goes_through_the_door().await;
    let _lobby = lobby(&log).await;
    ann_is_missed(&log).await;
    assert!(reclaimed(&log).await.is_none());
}

#[tokio::test]
async fn a_character_that_is_where_nobody_thinks_is_not_lost() {
    let log = world().await;
    let mut harbor = Area::owned(&log, "harbor-1").await;
    harbor.ann_comes().await;
    let _lobby = lobby(&log).await;
    ann_is_missed(&log).await;
    assert!(reclaimed(&log).await.is_none());
}

#[tokio::test]
async fn a_log_that_does_not_fit_together_proves_nothing() {
    let log = world().await;
    let mut harbor = Area::owned(&log, "harbor-1").await;
    // An area from which something came that it has never sent: its log was cut.
    Area::owned(&log, "forest-1").await;
    let traveller = Box::new(Traveller {
        character: CharacterId(8),
        ..Traveller::default()
    });
    let entry = EntryPoint::Spawn("start".into());
    let payload = EffectPayload::Enter { traveller, entry };
    harbor
        .decides(Command::Effect(EffectMessage {
            source: AggregateId::Area(area("forest-1")),
            cause: Cause {
                stream: "AREA_EVENTS".into(),
                sequence: Sequence(1),
            },
            effect: Effect {
                target: AggregateId::Area(area("harbor-1")),
                number: 1,
                issued_at: UnixMillis::now(),
                payload,
            },
        }))
        .await;
    let _lobby = lobby(&log).await;
    ann_is_missed(&log).await;
    assert!(reclaimed(&log).await.is_none());
}

#[tokio::test]
async fn a_proof_is_good_once_and_only_the_lobbys_own() {
    let rules = characters();
    let state = ann_is_missed(&world().await).await;
    let evidence = Evidence {
        cut: Sequence(9),
        incarnation: Incarnation(1),
        areas: 2,
        session: state.session,
        missing: UnixMillis(1),
    };
    let decide = |state: &Character, evidence: &Evidence, seal| {
        let command = LobbyCommand::Reclaim {
            character: ANN,
            evidence: evidence.clone(),
            seal,
        };
        let input = eventlog::keyed::Input::Command(&command);
        let ctx = eventlog::keyed::Context {
            sequence: Sequence(1),
            stored_at: UnixMillis(5),
            pending: 0,
        };
        eventlog::Aggregate::decide(&*rules, &ANN.to_string(), state, input, &ctx)
    };
    let seal = rules.seal(ANN, &evidence);
    let forged = decide(&state, &evidence, Digest([1; 16]));
    assert_eq!(forged.refusal.unwrap().code, "no_proof");
    let good = decide(&state, &evidence, seal);
    assert!(matches!(&good.events[..], [LobbyEvent::Reclaimed { .. }]));
    // It came in again, and is missed again by chance at the same moment.
    let mut later = state.clone();
    for event in &good.events {
        <Characters as eventlog::Aggregate>::evolve(&mut later, event);
    }
    later.place = Some(Place::World(area("harbor-1")));
    later.missing = state.missing;
    let again = decide(&later, &evidence, seal);
    assert_eq!(again.refusal.unwrap().code, "not_lost");
    // News has come meanwhile.
    let mut found = state;
    found.missing = None;
    assert_eq!(
        decide(&found, &evidence, seal).refusal.unwrap().code,
        "not_lost"
    );
}
