//! Watching a bucket: what is there, then what changes.

use schemas::Sequence;

use crate::bucket::{Bucket, Entry};
use crate::error::ReadError;
use crate::read::Reader;

/// A bucket's present values, then its changes, in order. A change that was overwritten before it
/// was read may be left out; the last one never is.
pub struct Watch {
    bucket: Bucket,
    reader: Reader,
    head: Sequence,
}

impl Watch {
    pub(crate) fn new(bucket: Bucket, reader: Reader, head: Sequence) -> Self {
        Self {
            bucket,
            reader,
            head,
        }
    }

    /// The next value or change. A key that expired comes with `value: None`. Cancel safe.
    ///
    /// # Errors
    /// When the broker has not answered for 20 s; ask again, nothing is skipped.
    pub async fn next(&mut self) -> Result<Entry, ReadError> {
        loop {
            // A watch has no head, so `None` does not come.
            if let Some(raw) = self.reader.next_raw().await? {
                return Ok(self.bucket.entry(raw));
            }
        }
    }

    /// Whether all values present at the beginning have been handed out.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.reader.position() >= self.head
    }
}
