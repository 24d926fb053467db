//! One area and its owner.

use std::collections::VecDeque;

use eventlog::outbox::{Outgoing, confirmation_message, effect_message};
use eventlog::{Appender, EventLog, Follow};
use schemas::command::AreaMessage;
use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::subjects::{AREA_COMMANDS, AREA_EVENTS, AggregateId, area_commands, area_events};
use schemas::{AreaId, Claim, Digest, Epoch, Sequence, Tick, UnixMillis};
use world::maps::BuiltinMap;
use world::{AreaState, Decision, FrameHeader, Incoming, TickInput};

pub(crate) struct Area {
    log: EventLog,
    map: &'static BuiltinMap,
    appender: Appender,
    pub(crate) state: AreaState,
    header: FrameHeader,
    read: Sequence,
    backlog: VecDeque<Incoming>,
}

impl Area {
    /// As the log leaves it.
    pub(crate) async fn restore(log: &EventLog, area: &AreaId) -> Self {
        let subject = area_events(area);
        let mut state = AreaState::new(area.clone(), area.map());
        let mut reader = log.read(
            AREA_EVENTS,
            vec![subject.clone()],
            Sequence(0),
            Follow::UntilHead,
        );
        while let Some(record) = reader.next().await.unwrap() {
            let frame: Frame = schemas::decode(&record.payload).unwrap();
            state.fold(&frame, Digest::of(&record.payload)).unwrap();
        }
        Self {
            log: log.clone(),
            map: world::maps::builtin(area.map()).unwrap(),
            appender: log.appender(&subject).await.unwrap(),
            read: state.position().sequence,
            header: FrameHeader::default(),
            state,
            backlog: VecDeque::new(),
        }
    }

    pub(crate) async fn own(&mut self, worker: &str, at: UnixMillis) {
        self.header = FrameHeader {
            epoch: self.state.epoch().next(),
            claim: Claim(self.state.epoch().0 * 7 + 1),
        };
        let owned = Fact::Owned {
            worker: worker.to_owned(),
            build: "test".to_owned(),
            rules: world::RULES_VERSION,
            map: self.map.name.to_owned(),
            map_hash: Digest::of(self.map.tmx),
            seed: 1,
            hash_version: world::HASH_VERSION,
            resume_tick: Tick(self.state.tick().0),
            lost: None,
        };
        let decision = world::resume(
            &world::Rules::DEFAULT,
            &self.state,
            &self.map.map,
            owned,
            at,
        );
        self.write(decision).await;
        assert_eq!(self.state.epoch(), Epoch(self.header.epoch.0));
    }

    pub(crate) async fn rest(&mut self, fact: Fact, at: UnixMillis) {
        let decision = world::decide_tick(
            &world::Rules::DEFAULT,
            &self.state,
            &self.map.map,
            TickInput {
                tick: self.state.tick().next(),
                at,
                commands: Vec::new(),
                first_facts: vec![fact],
            },
        );
        self.write(decision).await;
    }

    /// Decides a tick; what is to be sent now that it stands in the log.
    pub(crate) async fn tick(&mut self, at: UnixMillis) -> Vec<Outgoing> {
        self.drain().await;
        let tick = self.state.tick().next();
        let decision = world::decide_tick(
            &world::Rules::DEFAULT,
            &self.state,
            &self.map.map,
            TickInput {
                tick,
                at,
                commands: self.backlog.iter().cloned().collect(),
                first_facts: Vec::new(),
            },
        );
        self.backlog.drain(..decision.consumed);
        self.write(decision).await
    }

    async fn drain(&mut self) {
        let info = self.log.stream_info(AREA_COMMANDS).await.unwrap();
        let filters = vec![area_commands(self.state.area())];
        let mut reader = self
            .log
            .read(AREA_COMMANDS, filters, self.read, Follow::UntilHead);
        while let Some(record) = reader.next().await.unwrap() {
            let (sequence, at) = (record.sequence, record.stored_at);
            self.read = sequence;
            match AreaMessage::received(&record.subject, &record.payload) {
                Ok(message) => {
                    let commands = world::incoming(message, info.incarnation, sequence, at);
                    self.backlog.extend(commands);
                }
                Err(_) => {
                    let one = world::undecodable(info.incarnation, sequence, at);
                    self.backlog.push_back(one);
                }
            }
        }
    }

    async fn write(&mut self, decision: Decision) -> Vec<Outgoing> {
        let me = AggregateId::Area(self.state.area().clone());
        let confirms = decision.confirms.clone();
        let (frame, bytes, next) = decision.seal(&self.header);
        let sequence = self.appender.append(bytes.into(), None).await.unwrap();
        self.state = next;
        let effects = frame
            .effects
            .iter()
            .map(|effect| effect_message(&me, AREA_EVENTS, sequence, effect));
        let receipts = confirms
            .iter()
            .map(|(source, up_to)| confirmation_message(source, &me, *up_to));
        effects.chain(receipts).collect()
    }
}
