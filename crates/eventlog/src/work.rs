//! Sharing work: a durable consumer whose messages are acknowledged one by one.

use std::time::Duration;

use crate::error::ReadError;
use crate::record::Record;

/// Which work to take part in.
#[derive(Debug, Clone)]
pub struct WorkOptions {
    /// The command stream.
    pub stream: String,
    /// The durable consumer's name, the same for all who take part.
    pub durable: String,
    /// The subjects it takes: one partition.
    pub filter: String,
    /// A message not acknowledged for so long is delivered again.
    pub ack_wait: Duration,
    /// How many may be delivered and not yet acknowledged.
    pub max_ack_pending: u32,
}

impl WorkOptions {
    /// `durable` takes `filter` of `stream`; 30 s to acknowledge, 256 at a time.
    #[must_use]
    pub fn new(
        stream: impl Into<String>,
        durable: impl Into<String>,
        filter: impl Into<String>,
    ) -> Self {
        Self {
            stream: stream.into(),
            durable: durable.into(),
            filter: filter.into(),
            ack_wait: Duration::from_secs(30),
            max_ack_pending: 256,
        }
    }
}

/// One participant. The consumer is pinned: of all participants one is given the messages, in
/// order, until it is gone; then another.
pub struct Work {}

impl Work {
    /// The next job. Cancel safe.
    ///
    /// # Errors
    /// When the broker has not answered for 30 s, or refuses.
    pub async fn next(&mut self) -> Result<Job, ReadError> {
        todo!()
    }

    /// A job if one is there already; never waits.
    pub fn try_next(&mut self) -> Option<Job> {
        todo!()
    }
}

/// A message to be handled and acknowledged. Dropped without [`Job::done`], it comes again.
pub struct Job {
    /// The message.
    pub record: Record,
    /// How often it has been delivered, this time included.
    pub deliveries: u64,
}

impl Job {
    /// It is handled: waits until the broker knows.
    ///
    /// # Errors
    /// When the broker does not answer; then it may be delivered again.
    pub async fn done(self) -> Result<(), ReadError> {
        todo!()
    }

    /// It cannot be handled now: deliver it again after `delay`.
    ///
    /// # Errors
    /// When that could not be handed to the connection.
    pub async fn again(self, delay: Duration) -> Result<(), ReadError> {
        todo!("{delay:?}")
    }

    /// It is still being worked on: begin `ack_wait` anew.
    ///
    /// # Errors
    /// When that could not be handed to the connection.
    pub async fn working(&self) -> Result<(), ReadError> {
        todo!()
    }
}
