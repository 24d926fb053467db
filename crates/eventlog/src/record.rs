//! What stands in a stream, and where.

use std::time::Duration;

use bytes::Bytes;
use schemas::{Digest, Incarnation, Sequence, UnixMillis};

use crate::error::PositionError;
use crate::lineage::Lineage;

/// One stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The stream that holds it.
    pub stream: String,
    /// The exact subject it was stored under.
    pub subject: String,
    /// Its place in the stream.
    pub sequence: Sequence,
    /// The bytes as they were sent.
    pub payload: Bytes,
    /// When the broker stored it, by the broker's clock.
    pub stored_at: UnixMillis,
    /// The `traceparent` it carried.
    pub trace: Option<String>,
}

impl Record {
    /// This record as a position that can be stored and compared later.
    #[must_use]
    pub fn position(&self, incarnation: Incarnation) -> Position {
        Position {
            incarnation,
            sequence: self.sequence,
            digest: Digest::of(&self.payload),
        }
    }
}

/// What a stream holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamInfo {
    /// Its random birth mark; a restored or recreated stream has another.
    pub incarnation: Incarnation,
    /// That life, and those it was restored from.
    pub lineage: Lineage,
    /// The first sequence it still holds; `last + 1` when it is empty.
    pub first: Sequence,
    /// The last sequence it has given; 0 before the first message.
    pub last: Sequence,
    /// How many messages it holds.
    pub messages: u64,
    /// How many bytes they take in storage.
    pub bytes: u64,
    /// Its configured limit in bytes; `None`: no limit.
    pub max_bytes: Option<u64>,
    /// How old its messages may grow before they go; `None`: as old as they will.
    pub max_age: Option<Duration>,
    /// What the leader's clock showed when it answered: the clock by which messages are stored.
    pub told_at: Option<UnixMillis>,
}

/// A stored position in a stream. Compared with [`EventLog::check_position`] before use.
///
/// [`EventLog::check_position`]: crate::EventLog::check_position
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// Which life of the stream `sequence` counts in.
    pub incarnation: Incarnation,
    /// The last message that has been taken; 0 before the first.
    pub sequence: Sequence,
    /// The digest of that message's bytes.
    pub digest: Digest,
}

impl StreamInfo {
    /// Compares a stored (incarnation, sequence) with this stream, without looking at the message
    /// there. A position of a life that this stream was restored from is good up to the last message
    /// that was restored.
    ///
    /// # Errors
    /// When the stream is another one, or ends before the position. Nothing may be read from
    /// such a position: it would be a guess.
    pub fn check(
        &self,
        stream: &str,
        incarnation: Incarnation,
        sequence: Sequence,
    ) -> Result<(), PositionError> {
        self.lineage.check(stream, incarnation, sequence)?;
        if sequence > self.last {
            return Err(PositionError::BehindPosition {
                stream: stream.to_owned(),
                stored: sequence,
                last: self.last,
            });
        }
        Ok(())
    }
}
