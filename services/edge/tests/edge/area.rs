//! An area with its owner: the real rules, at four times their speed.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use eventlog::{Appender, EventLog, Follow, Reader};
use schemas::command::AreaMessage;
use schemas::effect::{Cause, EffectMessage};
use schemas::fact::Fact;
use schemas::subjects::{AREA_COMMANDS, AREA_EVENTS, AggregateId, area_commands, area_events};
use schemas::{AreaId, Claim, Digest, Epoch, Incarnation, Tick, UnixMillis};
use tokio::time::{MissedTickBehavior, interval};
use world::{AreaState, Decision, FrameHeader, Incoming, TickInput};

struct Owner {
    log: EventLog,
    state: AreaState,
    map: &'static world::Map,
    appender: Appender,
    commands: Reader,
    incarnation: Incarnation,
    waiting: VecDeque<Incoming>,
    header: FrameHeader,
}

/// Owns `area` and runs it.
pub async fn run_area(log: EventLog, area: AreaId) {
    let mut owner = Owner::take(log, area).await;
    let mut beat = interval(Duration::from_millis(10));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        owner.tick().await;
    }
}

impl Owner {
    async fn take(log: EventLog, area: AreaId) -> Self {
        let map = &world::maps::builtin(area.map()).expect("a map of ours").map;
        let subject = area_events(&area);
        let commands = vec![area_commands(&area)];
        let info = log.stream_info(AREA_COMMANDS).await.expect("a stream");
        let mut owner = Self {
            appender: log.appender(&subject).await.expect("the twin answers"),
            commands: log.read(AREA_COMMANDS, commands, Default::default(), Follow::Tail),
            state: AreaState::new(area, map.name.as_str()),
            incarnation: info.incarnation,
            map,
            waiting: VecDeque::new(),
            header: FrameHeader {
                epoch: Epoch(1),
                claim: Claim(1),
            },
            log,
        };
        let owned = Fact::Owned {
            worker: "w1".into(),
            build: "test".into(),
            rules: world::RULES_VERSION,
            map: owner.state.area().map().into(),
            map_hash: Digest::default(),
            seed: 1,
            hash_version: world::HASH_VERSION,
            resume_tick: Tick(1),
            lost: None,
        };
        let decision = world::resume(
            &world::Rules::DEFAULT,
            &owner.state,
            map,
            owned,
            UnixMillis::now(),
        );
        owner.write(decision).await;
        owner
    }

    async fn tick(&mut self) {
        while let Some(record) = self.commands.try_next() {
            let received = AreaMessage::received(&record.subject, &record.payload);
            let message = received.expect("a command");
            let all = world::incoming(message, self.incarnation, record.sequence, record.stored_at);
            self.waiting.extend(all);
        }
        let batch = TickInput {
            tick: self.state.tick().next(),
            at: UnixMillis::now(),
            commands: self.waiting.iter().cloned().collect(),
            first_facts: Vec::new(),
        };
        let decision = world::decide_tick(&world::Rules::DEFAULT, &self.state, self.map, batch);
        self.waiting.drain(..decision.consumed);
        if decision.changed || decision.tick.0.is_multiple_of(25) {
            self.write(decision).await;
        } else {
            self.state = decision.next;
        }
    }

    async fn write(&mut self, decision: Decision) {
        let effects = decision.effects.clone();
        let (_, bytes, next) = decision.seal(&self.header);
        let sequence = self
            .appender
            .append(Bytes::from(bytes), None)
            .await
            .expect("ours");
        self.state = next;
        let source = AggregateId::Area(self.state.area().clone());
        for effect in effects {
            // What goes to the lobby is for the double to know by itself.
            if let AggregateId::Area(_) = effect.target {
                let subject = effect.target.command_subject(&source);
                let cause = Cause {
                    stream: AREA_EVENTS.into(),
                    sequence,
                };
                let source = source.clone();
                let message = AreaMessage::Effect(EffectMessage {
                    source,
                    cause,
                    effect,
                });
                let sent = self
                    .log
                    .send(&subject, schemas::encode(&message).into(), None);
                sent.await.expect("the twin takes it");
            }
        }
    }
}
