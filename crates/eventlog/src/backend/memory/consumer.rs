//! The twin's ordered consumers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemas::Sequence;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::Held;
use crate::backend::{Delivery, Raw, RawReader, ReadEvent, ReadSpec, Start};
use crate::subject::matches;

/// A sign of life this often, as a broker gives it.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// … and where messages expire, whose markers nobody would see otherwise.
const LOOK_FOR_EXPIRED: Duration = Duration::from_millis(200);

/// An ordered consumer.
pub(super) struct MemoryReader {
    held: Arc<Held>,
    wake: Arc<Notify>,
    number: u64,
    heartbeat: Duration,
    spec: ReadSpec,
    /// Everything up to here has been delivered or is not wanted.
    after: Sequence,
    /// While the values present at the beginning are handed out: through where.
    initial: Option<Sequence>,
    delivered: u64,
}

impl MemoryReader {
    /// `None`: there is no such stream.
    pub(super) fn open(held: &Arc<Held>, spec: ReadSpec) -> Option<Self> {
        let wake = Arc::new(Notify::new());
        let mut world = held.world();
        let stream = world.stream(&spec.stream).ok()?;
        let number = stream.waiters.join(spec.filters.clone(), &wake);
        Some(Self {
            heartbeat: if stream.limits.max_age.is_some() {
                LOOK_FOR_EXPIRED
            } else {
                HEARTBEAT
            },
            after: match spec.start {
                Start::After(sequence) => sequence,
                Start::Time(time) => stream.before(time),
                Start::LastPerSubject => Sequence(0),
            },
            initial: (spec.start == Start::LastPerSubject).then_some(Sequence(stream.last)),
            held: Arc::clone(held),
            wake,
            number,
            spec,
            delivered: 0,
        })
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
        match &found {
            Some(raw) => {
                self.after = raw.sequence;
                self.delivered += 1;
            }
            // What has been looked through need not be again.
            None => self.after = self.after.max(Sequence(stream.last)),
        }
        Ok(found)
    }
}

#[async_trait]
impl RawReader for MemoryReader {
    async fn next(&mut self) -> ReadEvent {
        loop {
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
            if timeout(self.heartbeat, self.wake.notified()).await.is_err() {
                return ReadEvent::Idle;
            }
        }
    }

    async fn close(&mut self) {}
}

impl Drop for MemoryReader {
    fn drop(&mut self) {
        if let Ok(stream) = self.held.world().stream(&self.spec.stream) {
            stream.waiters.leave(self.number);
        }
    }
}
