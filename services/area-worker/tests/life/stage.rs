//! Where a test plays, and the words it is written in.

use std::future::Future;
use std::time::Duration;

use area_worker::Config;
use bytes::Bytes;
use devstack::test::TestBroker;
use eventlog::streams::{self, StreamsFile};
use eventlog::{Connect, EventLog, Faults, Follow, Reader, Record, membership};
use runtime::{Ctx, Shutdown, Span};
use schemas::command::{AreaMessage, PlayerAsk, PlayerBatch, PlayerCommand};
use schemas::control::{
    AreaControl, ControlEvent, Duty, FleetEvent, Member, Order, Placement, WorkerControl,
};
use schemas::effect::{
    Cause, Confirmation, Effect, EffectMessage, EffectPayload, EntryPoint, Traveller,
};
use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::keyed::{KeyedEntry, Outbox};
use schemas::sealed::Sealed;
use schemas::subjects::{
    AREA_EVENTS, AggregateId, Domain, Sender, area_command, area_events, keyed_events, wake,
};
use schemas::{
    AreaId, CharacterId, ClientSeq, Digest, EdgeId, Incarnation, Sequence, SessionFence,
    UnixMillis, decode, encode,
};
use tokio::task::JoinHandle;
use world::AreaState;

pub(crate) const ANN: CharacterId = CharacterId(1);
pub(crate) const EDGE: EdgeId = EdgeId(77);

pub(crate) fn harbor() -> AreaId {
    AreaId::new("harbor-1").unwrap()
}

/// The log as each role sees it. On the twin they are the same.
pub(crate) struct Stage {
    director: EventLog,
    pub(crate) edge: EventLog,
    pub(crate) lobby: EventLog,
    pub(crate) worker: EventLog,
    /// Of the twin.
    pub(crate) faults: Option<Faults>,
    generation: u64,
    broker: Option<TestBroker>,
}

impl Stage {
    pub(crate) async fn twin() -> Self {
        let (log, faults) = EventLog::in_memory();
        Self {
            faults: Some(faults),
            director: log.clone(),
            edge: log.clone(),
            lobby: log.clone(),
            worker: log,
            generation: 0,
            broker: None,
        }
    }

    /// With the rights that each role has in production.
    pub(crate) async fn broker() -> Self {
        let broker = devstack::test::broker_with_users().await.expect("a broker");
        let admin = connect(&broker, "admin").await;
        let file = StreamsFile::built_in().expect("the built-in streams");
        streams::apply(&admin, &file).await.expect("streams");
        Self {
            director: connect(&broker, "director").await,
            edge: connect(&broker, "edge").await,
            lobby: connect(&broker, "lobby").await,
            worker: connect(&broker, "worker").await,
            faults: None,
            generation: 0,
            broker: Some(broker),
        }
    }

    /// User, password and address for a worker that is a process of its own.
    #[cfg(feature = "fault-injection")]
    pub(crate) fn worker_access(&self) -> String {
        let broker = self.broker.as_ref().expect("a broker");
        let users = broker.users().expect("users");
        let credential = users.credential("worker").expect("the role");
        format!(
            "{} {} {}",
            credential.user,
            credential.password,
            broker.url()
        )
    }

    /// Removes an area's frames through `last`, the newest too if it comes to that: no tool of ours does this.
    pub(crate) async fn purge_by_hand(&self, area: &AreaId, last: Sequence) {
        let broker = self.broker.as_ref().expect("a broker");
        let subject = area_events(area);
        let content = format!(r#"{{"filter":"{subject}","seq":{}}}"#, last.0 + 1);
        let request = format!("STREAM.PURGE.{AREA_EVENTS}");
        let answer = broker
            .administer(&request, &content)
            .await
            .expect("an answer");
        assert_eq!(answer["success"], true, "{answer}");
    }

    pub(crate) async fn restart_broker(&mut self) {
        let broker = self.broker.as_mut().expect("a broker");
        broker.restart().await.expect("it comes back");
    }

    /// Another worker's connections.
    pub(crate) async fn another_worker(&self) -> EventLog {
        match &self.broker {
            Some(broker) => connect(broker, "worker").await,
            None => self.worker.clone(),
        }
    }

    /// A worker's connections over which a test rules, to a broker that the others reach undisturbed.
    pub(crate) async fn disturbed_worker(&self) -> (EventLog, Faults) {
        let broker = self.broker.as_ref().expect("a broker");
        let users = broker.users().expect("users");
        let credential = users.credential("worker").expect("the role");
        let options =
            Connect::to(broker.url(), "worker").as_user(credential.user, credential.password);
        EventLog::connect_with_faults(&options)
            .await
            .expect("a connection")
    }

    /// Waits until a worker's entry fits, and gives it.
    pub(crate) async fn until_member(
        &self,
        worker: &str,
        mut fits: impl FnMut(&Member) -> bool,
    ) -> Member {
        let mut members = membership::watch(&self.director).await.unwrap();
        loop {
            if let membership::Change::Present(member) = members.next().await.unwrap()
                && member.worker == worker
                && fits(&member)
            {
                return member;
            }
        }
    }

    /// An operator orders one life of a worker to drain, as its aggregate tells it.
    pub(crate) async fn order_to_drain(&self, worker: &str, life: u64) {
        let order = Order {
            by: "operator".into(),
            reason: "test".into(),
        };
        let duty = Duty::Drain;
        let entry = KeyedEntry {
            v: 1,
            at: UnixMillis::now(),
            incarnation: Incarnation(0),
            handled: Sequence(0),
            events: vec![FleetEvent::DutySet {
                life,
                duty,
                order: order.clone(),
            }],
            state: WorkerControl { life, duty, order },
            outbox: Outbox::default(),
            answered: None,
        };
        let subject = keyed_events(Domain::Fleet, worker);
        let mut appender = self.director.appender(&subject).await.unwrap();
        appender.append(encode(&entry).into(), None).await.unwrap();
    }

    pub(crate) async fn open(&self, area: &AreaId) {
        let entry = KeyedEntry {
            v: 1,
            at: UnixMillis::now(),
            incarnation: Incarnation(0),
            handled: Sequence(0),
            events: vec![ControlEvent::AreaOpened {
                area: area.clone(),
                map: area.map().to_owned(),
                seed: 7,
            }],
            state: AreaControl {
                map: Some(area.map().to_owned()),
                seed: 7,
                ..AreaControl::default()
            },
            outbox: Outbox::default(),
            answered: None,
        };
        let subject = keyed_events(Domain::Control, area.as_str());
        let mut appender = self.director.appender(&subject).await.unwrap();
        appender.append(encode(&entry).into(), None).await.unwrap();
    }

    pub(crate) async fn place(&mut self, area: &AreaId, worker: Option<&str>) {
        self.place_and(area, worker, None).await;
    }

    /// As the director places an area, with the worker that will most likely own it next.
    pub(crate) async fn place_and(
        &mut self,
        area: &AreaId,
        worker: Option<&str>,
        successor: Option<&str>,
    ) {
        self.generation += 1;
        let placement = Placement {
            area: area.clone(),
            worker: worker.map(str::to_owned),
            generation: self.generation,
            quarantined: false,
            successor: successor.map(str::to_owned),
        };
        let bucket = self.director.bucket("placements").await.unwrap();
        let bytes = Bytes::from(encode(&placement));
        bucket.put(area.as_str(), bytes).await.unwrap();
    }

    /// Opened and placed with `worker`.
    pub(crate) async fn give(&mut self, area: &AreaId, worker: &str) {
        self.open(area).await;
        self.place(area, Some(worker)).await;
    }

    pub(crate) fn watch(&self, area: &AreaId) -> Watched {
        Watched {
            reader: self.director.read(
                AREA_EVENTS,
                vec![area_events(area)],
                Sequence(0),
                Follow::Tail,
            ),
            state: AreaState::new(area.clone(), area.map()),
            frames: Vec::new(),
        }
    }

    pub(crate) async fn knock(&self, area: &AreaId) {
        self.edge
            .publish_core(&wake(area), Bytes::new())
            .await
            .unwrap();
    }

    /// As the lobby sends a character into an area: its `number`-th effect to that area.
    pub(crate) async fn enter(
        &self,
        area: &AreaId,
        character: CharacterId,
        number: u64,
        entry: EntryPoint,
    ) -> Sequence {
        let message = entering(area, character, number, entry);
        let subject = AggregateId::Area(area.clone()).command_subject(&message.source);
        let payload = encode(&AreaMessage::Effect(message)).into();
        self.lobby.send(&subject, payload, None).await.unwrap()
    }

    /// The same effect, and a confirmation of what the area may have sent, from a broken-into edge.
    pub(crate) async fn forge(&self, area: &AreaId, character: CharacterId, number: u64) {
        let effect = entering(area, character, number, start());
        let receipt = Confirmation {
            target: effect.source.clone(),
            up_to: u64::MAX,
        };
        let subject = area_command(area, &Sender::Edge(EDGE));
        for message in [
            AreaMessage::Effect(effect),
            AreaMessage::Confirmation(receipt),
        ] {
            let payload = encode(&message).into();
            self.edge.send(&subject, payload, None).await.unwrap();
        }
    }

    /// As an edge sends players' commands.
    pub(crate) async fn ask(
        &self,
        area: &AreaId,
        character: CharacterId,
        asks: impl IntoIterator<Item = (ClientSeq, PlayerAsk)>,
    ) -> Sequence {
        let command = |(seq, ask)| PlayerCommand {
            character,
            session: SessionFence(1),
            seq,
            ask,
        };
        let batch = PlayerBatch {
            edge: EDGE,
            commands: asks.into_iter().map(command).collect(),
            alive: Vec::new(),
        };
        let subject = area_command(area, &Sender::Edge(EDGE));
        let payload = encode(&AreaMessage::Players(batch)).into();
        self.edge.send(&subject, payload, None).await.unwrap()
    }

    pub(crate) async fn send_garbage(&self, area: &AreaId) {
        let subject = area_command(area, &Sender::Edge(EDGE));
        let garbage = Bytes::from_static(b"\xc1 nobody can read this");
        self.edge.send(&subject, garbage, None).await.unwrap();
    }
}

/// The lobby's `number`-th effect to `area`: here is `character`.
pub(crate) fn entering(
    area: &AreaId,
    character: CharacterId,
    number: u64,
    entry: EntryPoint,
) -> EffectMessage {
    let traveller = Traveller {
        character,
        name: text("realm.1"),
        session: SessionFence(1),
        edge: EDGE,
        ..Traveller::default()
    };
    EffectMessage {
        source: AggregateId::Character(character),
        cause: Cause {
            stream: "LOBBY_EVENTS".into(),
            sequence: Sequence(number),
        },
        effect: Effect {
            target: AggregateId::Area(area.clone()),
            number,
            issued_at: UnixMillis::now(),
            payload: EffectPayload::Enter {
                traveller: Box::new(traveller),
                entry,
            },
        },
    }
}

async fn connect(broker: &TestBroker, role: &str) -> EventLog {
    let users = broker.users().expect("users");
    let credential = users.credential(role).expect("the role");
    let options = Connect::to(broker.url(), role).as_user(credential.user, credential.password);
    EventLog::connect(&options).await.expect("a connection")
}

pub(crate) fn start() -> EntryPoint {
    EntryPoint::Spawn("start".into())
}

pub(crate) fn text(key: &str) -> Sealed {
    Sealed {
        key: key.into(),
        nonce: vec![0; 24],
        bytes: vec![1; 20],
    }
}

pub(crate) fn say(key: &str) -> PlayerAsk {
    PlayerAsk::Say { text: text(key) }
}

/// A worker as its own process would be, but for the process.
pub(crate) struct Worker {
    shutdown: Shutdown,
    task: JoinHandle<anyhow::Result<()>>,
}

pub(crate) fn config(name: &str) -> Config {
    Config {
        name: Some(name.into()),
        tick_threads: 1,
        // Most tests have no director that would place anything elsewhere.
        grace: Span::from_millis(300),
        ..Config::default()
    }
}

/// That believes nobody dead whom the machine has silenced for a moment: where a hand-over is looked for, not a
/// failover.
pub(crate) fn polite(name: &str) -> Config {
    Config {
        suspect_after: Span::from_secs(10),
        ..config(name)
    }
}

/// That puts idle areas to sleep soon.
pub(crate) fn sleepy(name: &str) -> Config {
    Config {
        sleep_after: Span::from_millis(300),
        ..config(name)
    }
}

impl Worker {
    pub(crate) fn start(log: &EventLog, config: Config) -> Self {
        let shutdown = Shutdown::new();
        let ctx = Ctx::new(shutdown.clone());
        let task = tokio::spawn(area_worker::run(config, log.clone(), ctx));
        Self { shutdown, task }
    }

    /// As SIGTERM does.
    pub(crate) async fn drain(self) {
        self.shutdown.begin();
        self.task.await.unwrap().expect("a clean end");
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(self) -> anyhow::Result<()> {
        self.task.await.unwrap()
    }

    /// As `kill -9` does: whatever it was about to write or send is not.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.is_err());
    }
}

/// An area's frames, folded by a reader of its own.
pub(crate) struct Watched {
    reader: Reader,
    pub(crate) state: AreaState,
    pub(crate) frames: Vec<Frame>,
}

impl Watched {
    /// The next frame.
    pub(crate) async fn next(&mut self) -> &Frame {
        let record = self.reader.next().await.unwrap().unwrap();
        self.fold(&record);
        self.frames.last().unwrap()
    }

    /// Reads on until a frame fits; earlier ones are passed over.
    pub(crate) async fn until(&mut self, mut fits: impl FnMut(&Frame) -> bool) -> &Frame {
        while !fits(self.next().await) {}
        self.frames.last().unwrap()
    }

    pub(crate) async fn until_fact(&mut self, mut fits: impl FnMut(&Fact) -> bool) -> &Frame {
        self.until(|frame| frame.facts.iter().any(&mut fits)).await
    }

    fn fold(&mut self, record: &Record) {
        let frame: Frame = decode(&record.payload).unwrap();
        let digest = Digest::of(&record.payload);
        self.state.fold(&frame, digest).expect("one unbroken chain");
        self.frames.push(frame);
    }

    /// The facts so far that fit.
    pub(crate) fn facts(&self, fits: impl Fn(&Fact) -> bool) -> Vec<&Fact> {
        let facts = self.frames.iter().flat_map(|frame| &frame.facts);
        facts.filter(|fact| fits(fact)).collect()
    }
}

pub(crate) fn is_owned(fact: &Fact) -> bool {
    matches!(fact, Fact::Owned { .. })
}

pub(crate) fn is_owned_by(name: &'static str) -> impl Fn(&Fact) -> bool {
    move |fact| matches!(fact, Fact::Owned { worker, .. } if worker == name)
}

pub(crate) fn is_released(fact: &Fact) -> bool {
    matches!(fact, Fact::Released { .. })
}

pub(crate) fn is_hibernated(fact: &Fact) -> bool {
    matches!(fact, Fact::Hibernated {})
}

pub(crate) fn is_arrived(fact: &Fact) -> bool {
    matches!(fact, Fact::Arrived { .. })
}

/// A test that waits for what never comes fails instead of hanging.
pub(crate) async fn within(test: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(40), Box::pin(test))
        .await
        .expect("the test did not end in time");
}

/// Makes of each function two tests: `twin::…` and `broker::…`.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod twin {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $crate::stage::within(super::$name($crate::stage::Stage::twin().await)).await;
            })*
        }
        mod broker {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $crate::stage::within(super::$name($crate::stage::Stage::broker().await)).await;
            })*
        }
    };
}
pub(crate) use on_both;
