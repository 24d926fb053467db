//! From where to where a stream can be read.

use eventlog::{Lineage, StreamInfo};
use schemas::{Incarnation, Sequence};

/// What of a stream can be read, wherever it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The stream's life.
    pub incarnation: Incarnation,
    /// That life, and those it was restored from.
    pub lineage: Lineage,
    /// The first sequence; `last + 1` when there is nothing.
    pub first: Sequence,
    /// The last sequence; 0 before the first message.
    pub last: Sequence,
    /// How many messages.
    pub messages: u64,
    /// How many bytes they take where they lie.
    pub bytes: u64,
    /// The broker's limit in bytes; `None`: no limit, or no broker.
    pub max_bytes: Option<u64>,
    /// Ranges between `first` and `last`, each with its last sequence, that are neither archived nor in the broker: what
    /// grew too old before it was archived.
    pub missing: Vec<(Sequence, Sequence)>,
}

impl Span {
    /// Of a stream of which there is nothing.
    pub(crate) fn nothing() -> Self {
        let incarnation = Incarnation(0);
        Self {
            incarnation,
            lineage: Lineage::of(incarnation, []),
            first: Sequence(1),
            last: Sequence(0),
            messages: 0,
            bytes: 0,
            max_bytes: None,
            missing: Vec::new(),
        }
    }

    /// Whether any of the messages after `after` up to `to` can no longer be read, or may have been before `first`.
    #[must_use]
    pub fn lacks(&self, after: Sequence, to: Sequence) -> bool {
        let mut missing = self.missing.iter();
        self.first > after.next() || missing.any(|(from, until)| *from <= to && *until > after)
    }
}

impl From<StreamInfo> for Span {
    fn from(info: StreamInfo) -> Self {
        Self {
            incarnation: info.incarnation,
            lineage: info.lineage,
            first: info.first,
            last: info.last,
            messages: info.messages,
            bytes: info.bytes,
            max_bytes: info.max_bytes,
            missing: Vec::new(),
        }
    }
}
