//! What stands around the workers: streams, open areas, players, and whoever reads the frames.

use std::time::Duration;

use bytes::Bytes;
use devstack::test::TestBroker;
use eventlog::membership;
use eventlog::streams::{self, StreamsFile};
use eventlog::{Connect, EventLog, Follow};
use schemas::command::{AreaMessage, PlayerAsk, PlayerBatch, PlayerCommand};
use schemas::control::{AreaControl, Member, Placement};
use schemas::effect::{Cause, Effect, EffectMessage, EffectPayload, EntryPoint, Traveller};
use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::keyed::{KeyedEntry, Outbox};
use schemas::segment::InputBits;
use schemas::subjects::{
    AREA_EVENTS, AggregateId, Domain, Sender, area_command, area_events, keyed_events, wake,
};
use schemas::{
    AreaId, CharacterId, EdgeId, Incarnation, Sequence, SessionFence, UnixMillis, decode, encode,
};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

const EDGE: EdgeId = EdgeId(7);

pub(crate) struct Realm {
    pub(crate) broker: TestBroker,
    pub(crate) log: EventLog,
}

/// A frame as whoever reads it sees it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) frame: Frame,
    /// By the broker's clock.
    pub(crate) stored_at: UnixMillis,
}

impl Seen {
    pub(crate) fn owner(&self) -> Option<&str> {
        self.frame.facts.iter().find_map(|fact| match fact {
            Fact::Owned { worker, .. } => Some(worker.as_str()),
            _ => None,
        })
    }
}

impl Realm {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let broker = devstack::test::broker().await?;
        let log = EventLog::connect(&Connect::to(broker.url(), "owners")).await?;
        streams::apply(&log, &StreamsFile::built_in()?).await?;
        Ok(Self { broker, log })
    }

    pub(crate) async fn open(&self, area: &AreaId) -> anyhow::Result<()> {
        let entry = KeyedEntry::<(), AreaControl> {
            v: 1,
            at: UnixMillis::now(),
            incarnation: Incarnation(0),
            handled: Sequence(0),
            events: Vec::new(),
            state: AreaControl {
                map: Some(area.map().to_owned()),
                seed: 7,
                ..AreaControl::default()
            },
            outbox: Outbox::default(),
            answered: None,
        };
        let subject = keyed_events(Domain::Control, area.as_str());
        let mut appender = self.log.appender(&subject).await?;
        appender.append(encode(&entry).into(), None).await?;
        Ok(())
    }

    /// Places an area, as the director does; when the broker had it.
    pub(crate) async fn place(
        &self,
        area: &AreaId,
        worker: &str,
        successor: Option<&str>,
    ) -> anyhow::Result<()> {
        let placement = Placement {
            area: area.clone(),
            worker: Some(worker.to_owned()),
            generation: 1,
            quarantined: false,
            successor: successor.map(str::to_owned),
        };
        let bucket = self.log.bucket("placements").await?;
        let bytes = Bytes::from(encode(&placement));
        bucket.put(area.as_str(), bytes).await?;
        Ok(())
    }

    /// Every frame of the area from now on.
    pub(crate) fn frames(&self, area: &AreaId) -> mpsc::UnboundedReceiver<Seen> {
        let (seen, frames) = mpsc::unbounded_channel();
        let subjects = vec![area_events(area)];
        let mut reader = self
            .log
            .read(AREA_EVENTS, subjects, Sequence(0), Follow::Tail);
        tokio::spawn(async move {
            while let Ok(record) = reader.next().await {
                let Some(record) = record else { continue };
                let Ok(frame) = decode::<Frame>(&record.payload) else {
                    return;
                };
                let stored_at = record.stored_at;
                if seen.send(Seen { frame, stored_at }).is_err() {
                    return;
                }
            }
        });
        frames
    }

    /// Lets so many players come into an area and run about until the process ends; each turns once
    /// in ten beats.
    pub(crate) async fn populate(
        &self,
        area: &AreaId,
        players: u64,
        beat: Duration,
    ) -> anyhow::Result<()> {
        for player in 1..=players {
            let message = entering(area, CharacterId(player));
            let subject = AggregateId::Area(area.clone()).command_subject(&message.source);
            let payload = encode(&AreaMessage::Effect(message)).into();
            self.log.send(&subject, payload, None).await?;
        }
        self.log.publish_core(&wake(area), Bytes::new()).await?;
        let (log, area) = (self.log.clone(), area.clone());
        tokio::spawn(async move {
            let mut beat = tokio::time::interval(beat);
            beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let subject = area_command(&area, &Sender::Edge(EDGE));
            for n in 0_u64.. {
                beat.tick().await;
                let batch = turns(players, n);
                if batch.commands.is_empty() {
                    continue;
                }
                let payload = encode(&AreaMessage::Players(batch)).into();
                if log.send(&subject, payload, None).await.is_err() {
                    return;
                }
            }
        });
        Ok(())
    }

    /// Waits until the worker's entry fits.
    pub(crate) async fn until(
        &self,
        worker: &str,
        fits: impl Fn(&Member) -> bool,
    ) -> anyhow::Result<()> {
        loop {
            let members = membership::members(&self.log).await?;
            if members.iter().any(|m| m.worker == worker && fits(m)) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// In each batch every tenth player turns.
fn turns(players: u64, n: u64) -> PlayerBatch {
    let command = |player: u64| PlayerCommand {
        character: CharacterId(player),
        session: SessionFence(1),
        seq: u32::try_from(n / 10 + 1).unwrap_or(u32::MAX),
        ask: PlayerAsk::Input {
            bits: if (n / 10 + player).is_multiple_of(2) {
                InputBits::RIGHT
            } else {
                InputBits::LEFT
            },
            client_step: 0,
            view_step: 0,
        },
    };
    let turning = (1..=players).filter(|player| player % 10 == n % 10);
    PlayerBatch {
        edge: EDGE,
        commands: turning.map(command).collect(),
        alive: Vec::new(),
    }
}

fn entering(area: &AreaId, character: CharacterId) -> EffectMessage {
    let traveller = Traveller {
        character,
        session: SessionFence(1),
        edge: EDGE,
        ..Traveller::default()
    };
    EffectMessage {
        source: AggregateId::Character(character),
        cause: Cause {
            stream: "LOBBY_EVENTS".into(),
            sequence: Sequence(1),
        },
        effect: Effect {
            target: AggregateId::Area(area.clone()),
            number: 1,
            issued_at: UnixMillis::now(),
            payload: EffectPayload::Enter {
                traveller: Box::new(traveller),
                entry: EntryPoint::Spawn("start".into()),
            },
        },
    }
}
