//! The twin's durable consumers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemas::Sequence;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::Held;
use crate::backend::{Delivery, RawReader, ReadEvent, Settle};
use crate::work::WorkOptions;

/// A sign of life this often, as a broker gives it.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// A durable consumer.
#[derive(Default)]
pub(super) struct Durable {
    /// Everything up to here has been delivered at least once, or is not wanted.
    delivered: u64,
    /// Delivered and not acknowledged: how often, and when it is due again.
    unacknowledged: BTreeMap<u64, (u64, Instant)>,
    /// Who takes part; the first is the pinned one.
    participants: VecDeque<(u64, Arc<Notify>)>,
    joined: u64,
}

impl Durable {
    fn join(&mut self, wake: &Arc<Notify>) -> u64 {
        self.joined += 1;
        self.participants.push_back((self.joined, Arc::clone(wake)));
        self.joined
    }

    pub(super) fn settle(&mut self, sequence: u64, how: Settle, ack_wait: Duration) {
        match how {
            Settle::Done => {
                self.unacknowledged.remove(&sequence);
            }
            Settle::Again(delay) => self.postpone(sequence, delay),
            Settle::Working => self.postpone(sequence, ack_wait),
        }
        self.stir();
    }

    fn postpone(&mut self, sequence: u64, by: Duration) {
        if let Some((_, due)) = self.unacknowledged.get_mut(&sequence) {
            *due = Instant::now() + by;
        }
    }

    fn leave(&mut self, participant: u64) {
        self.participants.retain(|(other, _)| *other != participant);
        self.stir();
    }

    fn is_pinned(&self, participant: u64) -> bool {
        let first = self.participants.front();
        first.is_some_and(|(first, _)| *first == participant)
    }

    fn stir(&self) {
        self.participants
            .iter()
            .for_each(|(_, wake)| wake.notify_one());
    }

    /// When the next unacknowledged message is due again.
    fn next_due(&self) -> Option<Instant> {
        self.unacknowledged.values().map(|(_, due)| *due).min()
    }
}

/// One participant of a durable consumer.
pub(super) struct MemoryWork {
    held: Arc<Held>,
    wake: Arc<Notify>,
    options: WorkOptions,
    participant: u64,
    waiter: u64,
}

impl MemoryWork {
    /// `None`: there is no such stream.
    pub(super) fn open(held: &Arc<Held>, options: WorkOptions) -> Option<Self> {
        let wake = Arc::new(Notify::new());
        let mut world = held.world();
        let stream = world.stream(&options.stream).ok()?;
        let waiter = stream.waiters.join(vec![options.filter.clone()], &wake);
        let key = (options.stream.clone(), options.durable.clone());
        let (durable, ack_wait) = world.durables.entry(key).or_default();
        *ack_wait = options.ack_wait;
        Some(Self {
            held: Arc::clone(held),
            participant: durable.join(&wake),
            wake,
            options,
            waiter,
        })
    }

    fn key(&self) -> (String, String) {
        (self.options.stream.clone(), self.options.durable.clone())
    }

    /// A delivery, or when to look again.
    fn take(&self) -> Result<Delivery, Option<Instant>> {
        let mut world = self.held.world();
        let world = &mut *world;
        let key = self.key();
        let (durable, _) = world.durables.get_mut(&key).ok_or(None)?;
        if self.options.pinned && !durable.is_pinned(self.participant) {
            return Err(None);
        }
        let now = Instant::now();
        let mut due = durable.unacknowledged.iter();
        let due = due.find(|(_, (_, due))| *due <= now);
        let again = due.map(|(sequence, (count, _))| (*sequence, *count));
        let stream = world.streams.get_mut(&self.options.stream).ok_or(None)?;
        stream.expire();
        let (raw, count) = match again {
            Some((sequence, count)) => (stream.messages.get(&sequence).cloned(), count + 1),
            None if durable.unacknowledged.len() >= self.options.max_ack_pending as usize => {
                return Err(durable.next_due());
            }
            None => {
                let from = Sequence(durable.delivered + 1);
                (stream.first_from(from, &self.options.filter), 1)
            }
        };
        let Some(raw) = raw else {
            match again {
                // Purged while it waited.
                Some((sequence, _)) => {
                    durable.unacknowledged.remove(&sequence);
                }
                None => durable.delivered = durable.delivered.max(stream.last),
            }
            return Err(durable.next_due());
        };
        let sequence = raw.sequence.0;
        durable.delivered = durable.delivered.max(sequence);
        let due = now + self.options.ack_wait;
        durable.unacknowledged.insert(sequence, (count, due));
        Ok(Delivery {
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
        let alive_until = Instant::now() + HEARTBEAT;
        loop {
            let due = match self.take() {
                Ok(delivery) => return ReadEvent::Delivered(delivery),
                Err(due) => due,
            };
            let until = due.map_or(alive_until, |due| due.min(alive_until));
            let wait = until.saturating_duration_since(Instant::now());
            if timeout(wait, self.wake.notified()).await.is_err() && until == alive_until {
                return ReadEvent::Idle;
            }
        }
    }

    async fn close(&mut self) {}
}

impl Drop for MemoryWork {
    fn drop(&mut self) {
        let mut world = self.held.world();
        if let Some((durable, _)) = world.durables.get_mut(&self.key()) {
            durable.leave(self.participant);
        }
        if let Ok(stream) = world.stream(&self.options.stream) {
            stream.waiters.leave(self.waiter);
        }
    }
}
