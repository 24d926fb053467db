//! The twin's consumers: a reader's own, and durable ones.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemas::Sequence;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::Held;
use crate::backend::{Delivery, Raw, RawReader, ReadEvent, ReadSpec, Settle, Start};
use crate::subject::matches;
use crate::work::WorkOptions;

/// A sign of life this often; also how soon expired messages are noticed.
const HEARTBEAT: Duration = Duration::from_millis(200);

/// An ordered consumer.
pub(super) struct MemoryReader {
    held: Arc<Held>,
    changed: watch::Receiver<u64>,
    spec: ReadSpec,
    after: Sequence,
    /// While the values present at the beginning are handed out: through where.
    initial: Option<Sequence>,
    delivered: u64,
}

impl MemoryReader {
    pub(super) fn new(held: Arc<Held>, spec: ReadSpec, after: Sequence) -> Self {
        let changed = held.changed.subscribe();
        let initial = (spec.start == Start::LastPerSubject).then(|| {
            let mut world = held.world();
            world
                .stream(&spec.stream)
                .map_or(Sequence(0), |stream| Sequence(stream.last))
        });
        Self {
            held,
            changed,
            spec,
            after,
            initial,
            delivered: 0,
        }
    }

    fn take(&mut self) -> Result<Option<Raw>, String> {
        let mut world = self.held.world();
        let Ok(stream) = world.stream(&self.spec.stream) else {
            return Err("the stream is gone".to_owned());
        };
        let filters = &self.spec.filters;
        let wanted = |raw: &&Raw| {
            let named = filters.is_empty() || filters.iter().any(|f| matches(f, &raw.subject));
            let initial = self.initial.is_some_and(|through| raw.sequence <= through);
            named && (!initial || stream.is_last(raw))
        };
        let later = stream.messages.range(self.after.0 + 1..);
        let found = later.map(|(_, raw)| raw).find(wanted).cloned();
        if let Some(raw) = &found {
            self.after = raw.sequence;
            self.delivered += 1;
        }
        Ok(found)
    }
}

#[async_trait]
impl RawReader for MemoryReader {
    async fn next(&mut self) -> ReadEvent {
        loop {
            self.changed.mark_unchanged();
            match self.take() {
                Err(reason) => return ReadEvent::Lost(reason),
                Ok(Some(raw)) => {
                    return ReadEvent::Delivered(Delivery {
                        raw,
                        consumer_sequence: self.delivered,
                        deliveries: 1,
                        token: String::new(),
                    });
                }
                Ok(None) => {}
            }
            if timeout(HEARTBEAT, self.changed.changed()).await.is_err() {
                return ReadEvent::Idle;
            }
        }
    }

    async fn close(&mut self) {}
}

/// A durable consumer.
#[derive(Default)]
pub(super) struct Durable {
    /// Everything up to here has been delivered at least once.
    delivered: u64,
    /// Delivered and not acknowledged: how often, and when it is due again.
    unacknowledged: BTreeMap<u64, (u64, Instant)>,
    /// Who takes part; the first is the pinned one.
    participants: VecDeque<u64>,
    joined: u64,
}

impl Durable {
    pub(super) fn join(&mut self) -> u64 {
        self.joined += 1;
        self.participants.push_back(self.joined);
        self.joined
    }

    pub(super) fn settle(&mut self, sequence: u64, how: Settle) {
        match how {
            Settle::Done => {
                self.unacknowledged.remove(&sequence);
            }
            Settle::Again(delay) => {
                if let Some((_, due)) = self.unacknowledged.get_mut(&sequence) {
                    *due = Instant::now() + delay;
                }
            }
            Settle::Working => {
                if let Some((_, due)) = self.unacknowledged.get_mut(&sequence) {
                    *due = Instant::now() + Duration::from_secs(30);
                }
            }
        }
    }

    fn leave(&mut self, participant: u64) {
        self.participants.retain(|other| *other != participant);
    }
}

/// One participant of a durable consumer.
pub(super) struct MemoryWork {
    held: Arc<Held>,
    changed: watch::Receiver<u64>,
    options: WorkOptions,
    participant: u64,
}

impl MemoryWork {
    pub(super) fn new(held: Arc<Held>, options: WorkOptions, participant: u64) -> Self {
        let changed = held.changed.subscribe();
        Self {
            held,
            changed,
            options,
            participant,
        }
    }

    fn key(&self) -> (String, String) {
        (self.options.stream.clone(), self.options.durable.clone())
    }

    fn take(&self) -> Option<Delivery> {
        let mut world = self.held.world();
        let key = self.key();
        let durable = world.durables.get(&key)?;
        let may = !self.options.pinned || durable.participants.front() == Some(&self.participant);
        may.then_some(())?;
        let now = Instant::now();
        let mut due = durable.unacknowledged.iter();
        let due = due.find(|(_, (_, due))| *due <= now);
        let again = due.map(|(sequence, (count, _))| (*sequence, *count));
        let crowded = durable.unacknowledged.len() >= self.options.max_ack_pending as usize;
        let from = Sequence(durable.delivered + 1);
        let stream = world.stream(&self.options.stream).ok()?;
        let (raw, count) = match again {
            Some((sequence, count)) => (stream.messages.get(&sequence).cloned(), count + 1),
            None if crowded => return None,
            None => (stream.first_from(from, &self.options.filter), 1),
        };
        let durable = world.durables.get_mut(&key)?;
        let Some(raw) = raw else {
            // Purged while it waited.
            again.map(|(sequence, _)| durable.unacknowledged.remove(&sequence));
            return None;
        };
        let sequence = raw.sequence.0;
        durable.delivered = durable.delivered.max(sequence);
        let due = now + self.options.ack_wait;
        durable.unacknowledged.insert(sequence, (count, due));
        Some(Delivery {
            consumer_sequence: sequence,
            deliveries: count,
            token: format!("{}|{}|{sequence}", key.0, key.1),
            raw,
        })
    }
}

#[async_trait]
impl RawReader for MemoryWork {
    async fn next(&mut self) -> ReadEvent {
        loop {
            self.changed.mark_unchanged();
            if let Some(delivery) = self.take() {
                return ReadEvent::Delivered(delivery);
            }
            if timeout(HEARTBEAT, self.changed.changed()).await.is_err() {
                return ReadEvent::Idle;
            }
        }
    }

    async fn close(&mut self) {}
}

impl Drop for MemoryWork {
    fn drop(&mut self) {
        if let Some(durable) = self.held.world().durables.get_mut(&self.key()) {
            durable.leave(self.participant);
        }
        self.held.stir();
    }
}
