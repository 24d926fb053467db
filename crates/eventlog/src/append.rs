//! The fence.

use bytes::Bytes;
use schemas::Sequence;

use crate::error::AppendError;
use crate::record::Record;

/// Writes to one exact subject, each message conditioned on the one before.
pub struct Appender {
    last: Option<Record>,
}

impl Appender {
    /// The subject.
    #[must_use]
    pub fn subject(&self) -> &str {
        todo!()
    }

    /// The last message of the subject: found at the opening, or appended since.
    #[must_use]
    pub fn last(&self) -> Option<&Record> {
        self.last.as_ref()
    }

    /// Its sequence; 0 when there is none.
    #[must_use]
    pub fn sequence(&self) -> Sequence {
        todo!()
    }

    /// Appends after [`Appender::last`]; returns once the broker has it on disk, or definitely not.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub async fn append(
        &mut self,
        payload: Bytes,
        trace: Option<&str>,
    ) -> Result<Sequence, AppendError> {
        todo!("{payload:?} {trace:?}")
    }

    /// Goes on with the append that ended in [`AppendError::Unavailable`] (or whose future was
    /// dropped): the identical message again. `Ok(None)` when none is undecided.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub async fn resume(&mut self) -> Result<Option<Sequence>, AppendError> {
        todo!()
    }
}
