//! Everything that wakes the supervisor.

use std::time::Duration;

use eventlog::membership::{self, Heartbeats};
use eventlog::{CoreSubscription, Entry, EventLog, ReadError, Watch};
use schemas::control::Heartbeat;
use schemas::{AreaId, WorkerId};
use tokio::task::JoinError;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::area::Life;
use crate::ready;

/// How often areas that have failed are looked through.
const BEAT: Duration = Duration::from_millis(100);
/// How often the worker announces itself.
const ANNOUNCE: Duration = Duration::from_secs(1);

/// Something that woke the supervisor.
#[derive(Debug)]
pub(crate) enum Event {
    /// A placement was written or removed.
    Placed(Entry),
    /// Somebody wants into an area.
    Knock(AreaId),
    /// A worker is ready to take an area over.
    Ready(AreaId, WorkerId),
    /// An area's life has ended.
    Ended(Result<(AreaId, Life), JoinError>),
    /// Another worker (or this one) is alive.
    Heard(Heartbeat),
    /// Its own beat.
    Beat,
    /// It is time to tell the others what this worker owns.
    Announce,
}

pub(crate) struct Sources {
    placements: Watch,
    knocks: CoreSubscription,
    ready: CoreSubscription,
    heartbeats: Heartbeats,
    beat: Interval,
    announce: Interval,
}

impl Sources {
    pub(crate) async fn open(log: &EventLog) -> Result<Self, ReadError> {
        let every = |period| {
            let mut interval = interval(period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        };
        Ok(Self {
            knocks: log.subscribe_core("wake.area.*").await?,
            ready: log.subscribe_core(ready::EVERYWHERE).await?,
            heartbeats: membership::heartbeats(log).await?,
            placements: log.bucket("placements").await?.watch().await?,
            beat: every(BEAT),
            announce: every(ANNOUNCE),
        })
    }

    /// The next event. Cancel safe. Waits out a broker that does not answer.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Event> {
        loop {
            // In this order: beats come seldom and are short, so they starve nobody; knocks come as
            // often as anybody likes, and wait.
            let event = tokio::select! {
                biased;
                _ = self.announce.tick() => Ok(Some(Event::Announce)),
                _ = self.beat.tick() => Ok(Some(Event::Beat)),
                entry = self.placements.next() => entry.map(|entry| Some(Event::Placed(entry))),
                Some(beat) = self.heartbeats.next() => Ok(Some(Event::Heard(beat))),
                Some(hint) = self.ready.next() => {
                    Ok(ready::heard(&hint).map(|(area, worker)| Event::Ready(area, worker)))
                }
                Some(knock) = self.knocks.next() => Ok(knocked(&knock.subject)),
            };
            match event {
                Ok(Some(event)) => return Ok(event),
                Ok(None) => {}
                Err(error @ ReadError::Unavailable { .. }) => {
                    tracing::warn!(%error, "no placements can be read; areas stay where they are");
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn knocked(subject: &str) -> Option<Event> {
    let area = subject.strip_prefix("wake.area.")?;
    AreaId::new(area).ok().map(Event::Knock)
}
