//! The past of the log: what the broker still holds and what has been archived, read as one.
//!
//! Whoever opens the past (replay, export, rebuilds) reads it here and does not notice where a message lies: up to the
//! archive's end it comes from the archive, after it from the broker. Reading writes nothing, and nothing decides here.
//! What an archive is made of is here too; who makes it, and purges the broker, is the archiver.

mod archive;
mod error;
pub mod event;
mod location;
mod query;
mod reader;
mod segment;
mod span;
mod subject;

use eventlog::{EventLog, Follow, Record};
use schemas::{Sequence, UnixMillis};

pub use archive::{
    Archive, ArchiveWriter, LEAST_DELAY, Manifest, Portion, Segment, Stored, WriteError,
};
pub use error::PastError;
pub use location::{Location, LocationError, Store};
pub use reader::PastReader;
pub use segment::{Seal, Sealed, seal};
pub use span::Span;

use archive::Start;

/// Where the past is read; cheap to clone.
#[derive(Clone)]
pub struct Past {
    log: Option<EventLog>,
    archive: Option<Archive>,
}

impl Past {
    /// What the broker holds.
    #[must_use]
    pub const fn of_log(log: EventLog) -> Self {
        Self {
            log: Some(log),
            archive: None,
        }
    }

    /// What an archive holds, without a broker.
    #[must_use]
    pub const fn of_archive(archive: Archive) -> Self {
        Self {
            log: None,
            archive: Some(archive),
        }
    }

    /// Both as one: up to the archive's end from there, after it from the broker.
    #[must_use]
    pub const fn joined(log: EventLog, archive: Archive) -> Self {
        Self {
            log: Some(log),
            archive: Some(archive),
        }
    }

    /// The broker, for what only it knows: snapshots, buckets, what is written now. `None`: only an archive is read.
    #[must_use]
    pub const fn log(&self) -> Option<&EventLog> {
        self.log.as_ref()
    }

    /// The archive; `None`: only the broker is read.
    #[must_use]
    pub const fn archive(&self) -> Option<&Archive> {
        self.archive.as_ref()
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
        PastReader::open(self.clone(), stream, filters, Start::After(after), follow)
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
        PastReader::open(self.clone(), stream, filters, Start::Time(from), follow)
    }

    /// The message at `sequence`; `None` if it was removed unarchived or never was.
    ///
    /// # Errors
    /// See [`PastError`].
    pub async fn get(&self, stream: &str, sequence: Sequence) -> Result<Option<Record>, PastError> {
        if let Some(log) = &self.log
            && let Some(record) = log.get(stream, sequence).await?
        {
            return Ok(Some(record));
        }
        match &self.archive {
            Some(_) => self.archived(stream, sequence).await,
            None => Ok(None),
        }
    }

    /// The last message of `subject`, which may hold wildcards.
    ///
    /// # Errors
    /// See [`PastError`]; an empty subject is `Ok(None)`.
    pub async fn last(&self, subject: &str) -> Result<Option<Record>, PastError> {
        // A purge leaves a subject's newest message; commands age out.
        if let Some(log) = &self.log
            && let Some(record) = log.last(subject).await?
        {
            return Ok(Some(record));
        }
        self.last_archived(subject).await
    }

    /// From where to where a stream can be read.
    ///
    /// # Errors
    /// See [`PastError`].
    pub async fn span(&self, stream: &str) -> Result<Span, PastError> {
        match (&self.log, &self.archive) {
            (Some(log), None) => Ok(log.stream_info(stream).await?.into()),
            (log, Some(archive)) => {
                let live = match log {
                    Some(log) => Some(log.stream_info(stream).await?),
                    None => None,
                };
                self.joined_span(archive, stream, live).await
            }
            (None, None) => Ok(Span::nothing()),
        }
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
        match (&self.log, &self.archive) {
            (Some(log), None) => Ok(log.subjects(stream, filter).await?),
            _ => self.joined_subjects(stream, filter).await,
        }
    }
}

impl From<EventLog> for Past {
    fn from(log: EventLog) -> Self {
        Self::of_log(log)
    }
}
