//! The sweeper: what stays pending is sent again until it is confirmed.
//!
//! It follows the domain's own event stream, beginning with the last event of every key, and so
//! knows which keys wait for whom, whichever instance has served them. An area that waits asleep
//! is hinted at every second; the effects themselves are sent again more and more rarely, because
//! the broker has them already and a target that is merely slow needs no second copy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use schemas::keyed::KeyedEntry;
use schemas::subjects::{AggregateId, Subject, keyed_events};
use schemas::{Sequence, decode};
use serde::de::IgnoredAny;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::aggregate::Aggregate;
use super::error::{KeyedError, known};
use super::handle::{send, wake_up};
use super::partition::pause_if_it_passes;
use crate::backend::{ReadSpec, Start};
use crate::lineage::Lineage;
use crate::outbox::effect_message;
use crate::read::{Follow, Reader};
use crate::{EventLog, Record};

/// How often what is due is looked for, and sleeping areas are hinted at.
const BEAT: Duration = Duration::from_secs(1);
/// How long a target gets before the effect is sent again; doubles each time.
const FIRST_PATIENCE: Duration = Duration::from_secs(4);
/// The longest patience.
const LAST_PATIENCE: Duration = Duration::from_secs(64);

/// An entry of which only the envelope matters here.
type Envelope = KeyedEntry<IgnoredAny, IgnoredAny>;

/// Sends again what stays pending, for all keys of a domain.
pub(super) struct Sweeper<A: Aggregate> {
    log: EventLog,
    aggregate: Arc<A>,
    lineage: Lineage,
    /// How far the command stream is known to reach.
    commands_end: Sequence,
    waiting: BTreeMap<String, Waiting>,
}

/// A key that waits for confirmations.
struct Waiting {
    targets: BTreeSet<AggregateId>,
    patience: Duration,
    due: Instant,
}

impl<A: Aggregate> Sweeper<A> {
    pub(super) fn new(log: EventLog, aggregate: Arc<A>, lineage: Lineage) -> Self {
        Self {
            log,
            aggregate,
            lineage,
            commands_end: Sequence(0),
            waiting: BTreeMap::new(),
        }
    }

    /// Follows and sweeps until the shutdown.
    pub(super) async fn run(mut self, shutdown: CancellationToken) -> Result<(), KeyedError> {
        let events = ReadSpec {
            stream: A::DOMAIN.event_stream().to_owned(),
            filters: Vec::new(),
            start: Start::LastPerSubject,
        };
        let mut reader = self.log.read_spec(events, Follow::Tail);
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            // The beat is rare; records may come without end.
            let woken = tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(()),
                _ = beat.tick() => Woken::Beat,
                record = next(&mut reader) => Woken::Read(record),
            };
            let done = match woken {
                Woken::Read(Ok(record)) => self.follow(&record).await,
                Woken::Read(Err(error)) => Err(error),
                Woken::Beat => self.sweep().await,
            };
            if let Err(error) = done {
                pause_if_it_passes(error, &shutdown).await?;
            }
        }
    }

    /// Takes note of what an event leaves pending.
    async fn follow(&mut self, record: &Record) -> Result<(), KeyedError> {
        let Subject::KeyedEvents(_, key) = Subject::parse(&record.subject) else {
            return Ok(());
        };
        let Ok(entry) = decode::<Envelope>(&record.payload) else {
            tracing::error!(
                event.subject = record.subject,
                event.seq = record.sequence.0,
                "an event cannot be read; what it leaves pending is not swept"
            );
            return Ok(());
        };
        self.check(record, &entry).await?;
        let targets: BTreeSet<_> = entry
            .outbox
            .pending
            .into_iter()
            .map(|effect| effect.target)
            .collect();
        if targets.is_empty() {
            self.waiting.remove(&key);
        } else {
            let waiting = Waiting {
                targets,
                patience: FIRST_PATIENCE,
                due: Instant::now() + FIRST_PATIENCE,
            };
            self.waiting.insert(key, waiting);
        }
        Ok(())
    }

    /// An event must not know more of the command stream than the command stream does.
    async fn check(&mut self, record: &Record, entry: &Envelope) -> Result<(), KeyedError> {
        let stream = A::DOMAIN.command_stream();
        let stored = (entry.incarnation, entry.handled);
        known(&self.lineage, &record.subject, stream, stored)?;
        if entry.handled > self.commands_end {
            self.commands_end = self.log.stream_info(stream).await?.last;
        }
        if entry.handled > self.commands_end {
            return Err(KeyedError::AheadOfCommands {
                subject: record.subject.clone(),
                stream: stream.to_owned(),
                handled: entry.handled,
                last: self.commands_end,
            });
        }
        Ok(())
    }

    async fn sweep(&mut self) -> Result<(), KeyedError> {
        let asleep: BTreeSet<_> = self.waiting.values().flat_map(|w| &w.targets).collect();
        for target in asleep {
            wake_up(&self.log, target).await;
        }
        let now = Instant::now();
        let due: Vec<String> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.due <= now)
            .map(|(key, _)| key.clone())
            .collect();
        for key in due {
            self.send_again(&key).await?;
            if let Some(waiting) = self.waiting.get_mut(&key) {
                waiting.patience = (waiting.patience * 2).min(LAST_PATIENCE);
                waiting.due = Instant::now() + waiting.patience;
            }
        }
        Ok(())
    }

    /// Sends what the leader's last event still holds pending, from the lowest number of each target.
    async fn send_again(&self, key: &str) -> Result<(), KeyedError> {
        let last = self.log.last(&keyed_events(A::DOMAIN, key)).await?;
        let (Some(record), Some(source)) = (last, self.aggregate.id(key)) else {
            return Ok(());
        };
        let Ok(entry) = decode::<Envelope>(&record.payload) else {
            return Ok(());
        };
        for effect in &entry.outbox.pending {
            let message = effect_message(&source, &record.stream, record.sequence, effect);
            send(&self.log, message, record.trace.as_deref()).await?;
        }
        Ok(())
    }
}

enum Woken {
    Read(Result<Record, KeyedError>),
    Beat,
}

/// A reader that follows the tail has no end.
async fn next(reader: &mut Reader) -> Result<Record, KeyedError> {
    loop {
        if let Some(record) = reader.next().await? {
            return Ok(record);
        }
    }
}
