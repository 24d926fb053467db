//! The past of the log: what the broker still holds and what has been archived, read as one.
//!
//! Whoever opens the past (replay, export, rebuilds) reads it here and does not notice where a message lies: up to the
//! archive's end it comes from the archive, after it from the broker. Nothing is written, and nothing decides here.

mod error;
pub mod event;
mod reader;
mod span;

use eventlog::{EventLog, Follow, Record};
use schemas::{Sequence, UnixMillis};

pub use error::PastError;
pub use reader::PastReader;
pub use span::Span;

/// Where the past is read; cheap to clone.
#[derive(Clone)]
pub struct Past {
    log: EventLog,
}

impl Past {
    /// What the broker holds.
    #[must_use]
    pub const fn of_log(log: EventLog) -> Self {
        Self { log }
    }

    /// The broker, for what only it knows: snapshots, buckets, what is written now. `None`: only an archive is read.
    #[must_use]
    pub const fn log(&self) -> Option<&EventLog> {
        Some(&self.log)
    }

    /// Reads in order what stands after `after` on any of `filters` (wildcards allowed; empty: the whole stream).
    /// Must be called within a Tokio runtime; reading begins at once.
    #[must_use]
    pub fn read(
        &self,
        stream: &str,
        filters: Vec<String>,
        after: Sequence,
        follow: Follow,
    ) -> PastReader {
        PastReader::of_log(self.log.read(stream, filters, after, follow))
    }

    /// As [`Past::read`], beginning with the first message stored at or after `from`.
    #[must_use]
    pub fn read_from_time(
        &self,
        stream: &str,
        filters: Vec<String>,
        from: UnixMillis,
        follow: Follow,
    ) -> PastReader {
        PastReader::of_log(self.log.read_from_time(stream, filters, from, follow))
    }

    /// The message at `sequence`; `None` if it was removed unarchived or never was.
    ///
    /// # Errors
    /// See [`PastError`].
    pub async fn get(&self, stream: &str, sequence: Sequence) -> Result<Option<Record>, PastError> {
        Ok(self.log.get(stream, sequence).await?)
    }

    /// The last message of `subject`, which may hold wildcards.
    ///
    /// # Errors
    /// See [`PastError`]; an empty subject is `Ok(None)`.
    pub async fn last(&self, subject: &str) -> Result<Option<Record>, PastError> {
        Ok(self.log.last(subject).await?)
    }

    /// From where to where a stream can be read.
    ///
    /// # Errors
    /// See [`PastError`].
    pub async fn span(&self, stream: &str) -> Result<Span, PastError> {
        Ok(self.log.stream_info(stream).await?.into())
    }

    /// The subjects under `filter` that hold messages, with how many; by name.
    ///
    /// # Errors
    /// See [`PastError`].
    pub async fn subjects(
        &self,
        stream: &str,
        filter: &str,
    ) -> Result<Vec<(String, u64)>, PastError> {
        Ok(self.log.subjects(stream, filter).await?)
    }
}

impl From<EventLog> for Past {
    fn from(log: EventLog) -> Self {
        Self::of_log(log)
    }
}
