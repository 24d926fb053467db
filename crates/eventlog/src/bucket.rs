//! Buckets: small values by key, each with a revision, and a watch on their changes.

use bytes::Bytes;
use schemas::{Sequence, UnixMillis};

use crate::error::{ReadError, UpdateError};

/// A key's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Its value; `None` when it was deleted or has expired.
    pub value: Option<Bytes>,
    /// Which change of the bucket made it so.
    pub revision: Sequence,
    /// When, by the broker's clock.
    pub at: UnixMillis,
}

/// A bucket.
#[derive(Clone)]
pub struct Bucket {}

impl Bucket {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        todo!()
    }

    /// The value of `key`, from the leader; `None` when there is none.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn get(&self, key: &str) -> Result<Option<Entry>, ReadError> {
        todo!("{key}")
    }

    /// Writes `key`, whatever it was.
    ///
    /// # Errors
    /// See [`UpdateError`]; never `Conflict`.
    pub async fn put(&self, key: &str, value: Bytes) -> Result<Sequence, UpdateError> {
        todo!("{key} {value:?}")
    }

    /// Writes `key` if its revision is still `expected`; 0: if it is not there.
    ///
    /// # Errors
    /// `Conflict` if somebody else has written; see [`UpdateError`].
    pub async fn update(
        &self,
        key: &str,
        value: Bytes,
        expected: Sequence,
    ) -> Result<Sequence, UpdateError> {
        todo!("{key} {value:?} {expected}")
    }

    /// Deletes `key`; deleting what is not there is no error.
    ///
    /// # Errors
    /// See [`UpdateError`].
    pub async fn delete(&self, key: &str) -> Result<(), UpdateError> {
        todo!("{key}")
    }

    /// The keys that have a value.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn keys(&self) -> Result<Vec<String>, ReadError> {
        todo!()
    }

    /// The keys that have a value, with it.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn entries(&self) -> Result<Vec<Entry>, ReadError> {
        todo!()
    }

    /// All present values, then every change.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn watch(&self) -> Result<Watch, ReadError> {
        todo!()
    }
}

/// A bucket's present values, then its changes.
pub struct Watch {}

impl Watch {
    /// The next value or change. A key that expired comes with `value: None`. Cancel safe.
    ///
    /// # Errors
    /// When the broker has not answered for 30 s; ask again, nothing is skipped.
    pub async fn next(&mut self) -> Result<Entry, ReadError> {
        todo!()
    }

    /// Whether all values present at the beginning have been handed out.
    #[must_use]
    pub fn is_current(&self) -> bool {
        todo!()
    }
}
