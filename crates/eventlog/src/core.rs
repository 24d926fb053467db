//! Messages that are not stored.

use bytes::Bytes;
use schemas::Sequence;

/// A message that is not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreMessage {
    /// Where it was published.
    pub subject: String,
    /// What.
    pub payload: Bytes,
    /// Where an answer is awaited.
    pub reply: Option<String>,
}

/// A subscription to a core subject; ends when dropped.
pub struct CoreSubscription {
    _last: Sequence,
}

impl CoreSubscription {
    /// The next message; `None` when the connection is closed for good. Cancel safe.
    pub async fn next(&mut self) -> Option<CoreMessage> {
        todo!()
    }

    /// A message if one is there already; never waits.
    pub fn try_next(&mut self) -> Option<CoreMessage> {
        todo!()
    }
}
