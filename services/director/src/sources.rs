//! Everything that wakes the director.

use std::time::Duration;

use eventlog::membership::{self, Change, Heartbeats, Members};
use eventlog::{CoreSubscription, Entry, EventLog, Follow, ReadError, Reader, Record, Watch};
use schemas::control::Heartbeat;
use schemas::subjects::Domain;
use schemas::{AreaId, Sequence};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often silence is judged: a part of what makes one suspected.
const BEAT: Duration = Duration::from_millis(25);

/// Something that woke the director.
#[derive(Debug)]
pub(crate) enum Event {
    /// A worker came, wrote its entry again, or left.
    Member(Change),
    /// A worker is alive.
    Heard(Heartbeat),
    /// A placement or the lease was written.
    Written(Entry),
    /// An area was opened, steered or bound, by whomever.
    Control(Record),
    /// A worker's duty was set.
    Duty(Record),
    /// Somebody wants into an area.
    Wanted(AreaId),
    /// Its own beat.
    Beat,
}

/// Up to where a director has read before it listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReadUpTo {
    pub(crate) control: Sequence,
    pub(crate) fleet: Sequence,
}

pub(crate) struct Sources {
    members: Members,
    heartbeats: Heartbeats,
    placements: Watch,
    control: Reader,
    duties: Reader,
    wanted: CoreSubscription,
    beat: Interval,
}

impl Sources {
    pub(crate) async fn open(log: &EventLog, read: ReadUpTo) -> Result<Self, ReadError> {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let tail = |domain: Domain, after| {
            log.read(domain.event_stream(), Vec::new(), after, Follow::Tail)
        };
        Ok(Self {
            heartbeats: membership::heartbeats(log).await?,
            members: membership::watch(log).await?,
            placements: log.bucket("placements").await?.watch().await?,
            wanted: log.subscribe_core("wake.area.*").await?,
            control: tail(Domain::Control, read.control),
            duties: tail(Domain::Fleet, read.fleet),
            beat,
        })
    }

    /// The next event. Cancel safe. Waits out a broker that does not answer.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Event> {
        loop {
            // Signs of life first: a director that was held up must not mistake what it has not
            // read yet for silence.
            let event = tokio::select! {
                biased;
                Some(beat) = self.heartbeats.next() => Ok(Some(Event::Heard(beat))),
                change = self.members.next() => change.map(|change| Some(Event::Member(change))),
                entry = self.placements.next() => entry.map(|entry| Some(Event::Written(entry))),
                record = self.control.next() => record.map(|record| record.map(Event::Control)),
                record = self.duties.next() => record.map(|record| record.map(Event::Duty)),
                _ = self.beat.tick() => Ok(Some(Event::Beat)),
                Some(hint) = self.wanted.next() => Ok(wanted(&hint.subject)),
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

fn wanted(subject: &str) -> Option<Event> {
    let area = subject.strip_prefix("wake.area.")?;
    AreaId::new(area).ok().map(Event::Wanted)
}
