//! Everything that wakes the director.

use std::time::Duration;

use eventlog::membership::{self, Change, Heartbeats, Members};
use eventlog::{CoreSubscription, Entry, EventLog, Follow, ReadError, Reader, Record, Watch};
use schemas::AreaId;
use schemas::control::Heartbeat;
use schemas::subjects::{Domain, keyed_events};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often silence is judged and the plan made anew.
const BEAT: Duration = Duration::from_millis(100);

/// Something that woke the director.
#[derive(Debug)]
pub(crate) enum Event {
    /// A worker came, wrote its entry again, or left.
    Member(Change),
    /// A worker is alive.
    Heard(Heartbeat),
    /// A placement or the lease was written.
    Written(Entry),
    /// An area was opened, by whomever.
    Opened(AreaId),
    /// Somebody wants into an area.
    Wanted(AreaId),
    /// Its own beat.
    Beat,
}

pub(crate) struct Sources {
    members: Members,
    heartbeats: Heartbeats,
    placements: Watch,
    opened: Reader,
    wanted: CoreSubscription,
    beat: Interval,
}

impl Sources {
    pub(crate) async fn open(log: &EventLog) -> Result<Self, ReadError> {
        let control = Domain::Control;
        let head = log.stream_info(control.event_stream()).await?.last;
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            heartbeats: membership::heartbeats(log).await?,
            members: membership::watch(log).await?,
            placements: log.bucket("placements").await?.watch().await?,
            wanted: log.subscribe_core("wake.area.*").await?,
            opened: log.read(
                control.event_stream(),
                vec![keyed_events(control, "*")],
                head,
                Follow::Tail,
            ),
            beat,
        })
    }

    /// The next event. Cancel safe. Waits out a broker that does not answer.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Event> {
        loop {
            let event = tokio::select! {
                biased;
                Some(beat) = self.heartbeats.next() => Ok(Some(Event::Heard(beat))),
                change = self.members.next() => change.map(|change| Some(Event::Member(change))),
                entry = self.placements.next() => entry.map(|entry| Some(Event::Written(entry))),
                record = self.opened.next() => record.map(|record| record.as_ref().and_then(opened)),
                Some(hint) = self.wanted.next() => Ok(wanted(&hint.subject)),
                _ = self.beat.tick() => Ok(Some(Event::Beat)),
            };
            match event {
                Ok(Some(event)) => return Ok(event),
                Ok(None) => {}
                Err(error @ ReadError::Unavailable { .. }) => {
                    tracing::warn!(%error, "the broker is silent; the world goes on as it is placed");
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn opened(record: &Record) -> Option<Event> {
    crate::opened::area_of(&record.subject).map(Event::Opened)
}

fn wanted(subject: &str) -> Option<Event> {
    let area = subject.strip_prefix("wake.area.")?;
    AreaId::new(area).ok().map(Event::Wanted)
}
