//! Buckets: small values by key, each with a revision.
//!
//! A bucket is a stream (`KV_<name>`, subject `$KV.<name>.<key>`) that keeps the last messages of
//! each subject; `nats kv` reads the same. So everything said about reading and about the fence holds here
//! too: a value is read from the leader, an update is a conditioned append.

use std::sync::Arc;

use bytes::Bytes;
use schemas::{Sequence, UnixMillis};

use crate::EventLog;
use crate::ask::ask;
use crate::backend::{
    Backend, EXPECTED_LAST, Lane, MESSAGE_ID, Outgoing, Raw, ReadSpec, Start, header,
};
use crate::conditioned::{self, Refusal};
use crate::error::{ReadError, SendError, UpdateError};
use crate::read::Follow;
use crate::send::{self, MessageId};
use crate::watch::Watch;

/// The header of a message that is no value: `DEL` or `PURGE`.
const OPERATION: &str = "KV-Operation";
/// The header of a message the broker leaves where a value has expired.
const MARKER: &str = "Nats-Marker-Reason";

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
pub struct Bucket {
    log: EventLog,
    name: String,
    stream: String,
}

impl EventLog {
    /// Opens the bucket `name`, which must be there.
    ///
    /// # Errors
    /// `NoStream` when it is not; see [`ReadError`].
    pub async fn bucket(&self, name: &str) -> Result<Bucket, ReadError> {
        let bucket = Bucket::unchecked(self, name);
        let question = || self.backend.state(&bucket.stream, None);
        ask("the state", &bucket.stream, question).await?;
        Ok(bucket)
    }
}

impl Bucket {
    pub(crate) fn unchecked(log: &EventLog, name: &str) -> Self {
        Self {
            log: log.clone(),
            name: name.to_owned(),
            stream: format!("KV_{name}"),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn subject(&self, key: &str) -> String {
        format!("$KV.{}.{key}", self.name)
    }

    fn backend(&self) -> &Arc<dyn Backend> {
        &self.log.backend
    }

    /// What a stored message says about its key.
    pub(crate) fn entry(&self, raw: Raw) -> Entry {
        let key = raw.subject.splitn(3, '.').nth(2).unwrap_or_default();
        let no_value =
            header(&raw.headers, OPERATION).is_some() || header(&raw.headers, MARKER).is_some();
        Entry {
            key: key.to_owned(),
            value: (!no_value).then_some(raw.payload),
            revision: raw.sequence,
            at: raw.stored_at,
        }
    }

    /// What the leader holds last for `key`, value or not.
    async fn last(&self, key: &str) -> Result<Option<Entry>, ReadError> {
        let subject = self.checked(key)?;
        let question = || self.backend().last(Lane::Hot, &self.stream, &subject);
        let last = ask("a value", &self.stream, question).await?;
        Ok(last.map(|raw| self.entry(raw)))
    }

    /// The subject of `key`, which must be one the broker takes.
    fn checked(&self, key: &str) -> Result<String, ReadError> {
        let token = |token: &str| {
            !token.is_empty()
                && token
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_=/".contains(&b))
        };
        if key.split('.').all(token) {
            return Ok(self.subject(key));
        }
        Err(ReadError::Refused {
            what: format!("bucket {}", self.name),
            reason: format!("{key:?} is no key: letters, digits, - _ = / and single dots only"),
        })
    }

    /// The value of `key`, from the leader; `None` when there is none.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn get(&self, key: &str) -> Result<Option<Entry>, ReadError> {
        let last = self.last(key).await?;
        Ok(last.filter(|entry| entry.value.is_some()))
    }

    /// Writes `key`, whatever it was.
    ///
    /// # Errors
    /// See [`UpdateError`]; never `Conflict`.
    pub async fn put(&self, key: &str, value: Bytes) -> Result<Sequence, UpdateError> {
        let message = Outgoing::new(&self.checked(key)?, value, None);
        let message = message.with(MESSAGE_ID, MessageId::random().as_str());
        Ok(send::store(self.backend(), &message).await?)
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
        let conflict = || UpdateError::Conflict {
            bucket: self.name.clone(),
            key: key.to_owned(),
            expected,
        };
        // What is not there may have left a marker, which then is what must not change.
        let after = match expected {
            Sequence(0) => match self.last(key).await? {
                Some(entry) if entry.value.is_some() => return Err(conflict()),
                Some(marker) => marker.revision,
                None => expected,
            },
            expected => expected,
        };
        let size = value.len();
        let subject = self.checked(key)?;
        // An id makes two writers' equal values differ.
        let message = Outgoing::new(&subject, value, None)
            .with(EXPECTED_LAST, after)
            .with("Worldline-Write", MessageId::random().as_str());
        let stored = conditioned::store(self.backend(), &self.stream, &message, after).await;
        stored.map_err(|refusal| match refusal {
            // A value that has run out is a change too.
            Refusal::Fenced(_) | Refusal::Gone(_) => conflict(),
            Refusal::Full => SendError::Full { subject }.into(),
            Refusal::TooLarge => SendError::TooLarge { subject, size }.into(),
            Refusal::Denied => SendError::Denied { subject }.into(),
            Refusal::Refused(reason) => SendError::Refused { subject, reason }.into(),
            Refusal::Unknown(reason) => SendError::Unavailable { subject, reason }.into(),
        })
    }

    /// Deletes `key`; deleting what is not there is no error.
    ///
    /// # Errors
    /// See [`UpdateError`].
    pub async fn delete(&self, key: &str) -> Result<(), UpdateError> {
        let message = Outgoing::new(&self.checked(key)?, Bytes::new(), None)
            .with(OPERATION, "DEL")
            .with(MESSAGE_ID, MessageId::random().as_str());
        send::store(self.backend(), &message).await?;
        Ok(())
    }

    /// Puts `tombstone` in the place of all that is kept of `key`, and has the broker overwrite on its
    /// disks what that was: unlike a new value or a deletion, which leave the old bytes lying until
    /// their block is rewritten. Only in a bucket that is `erasable` ([`crate::streams`]).
    ///
    /// # Errors
    /// See [`UpdateError`]; never `Conflict`. What was overwritten until then stays so.
    pub async fn erase(&self, key: &str, tombstone: Bytes) -> Result<(), UpdateError> {
        for old in self.history(key).await? {
            let question = || self.backend().erase(&self.stream, old.revision);
            ask("erasing a value", &self.stream, question).await?;
        }
        self.put(key, tombstone).await?;
        Ok(())
    }

    /// The keys that have a value.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn keys(&self) -> Result<Vec<String>, ReadError> {
        let entries = self.entries().await?;
        Ok(entries.into_iter().map(|entry| entry.key).collect())
    }

    /// The keys that have a value, with it.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn entries(&self) -> Result<Vec<Entry>, ReadError> {
        let mut reader = self.log.read_spec(self.all(), Follow::UntilHead);
        let mut entries = Vec::new();
        while let Some(raw) = reader.next_raw().await? {
            let entry = self.entry(raw);
            if entry.value.is_some() {
                entries.push(entry);
            }
        }
        Ok(entries)
    }

    /// The values that the bucket still keeps of `key`, oldest first; deletions are left out. How
    /// many it keeps is its `history`.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn history(&self, key: &str) -> Result<Vec<Entry>, ReadError> {
        let spec = ReadSpec {
            stream: self.stream.clone(),
            filters: vec![self.checked(key)?],
            start: Start::After(Sequence(0)),
        };
        let mut reader = self.log.read_spec(spec, Follow::UntilHead);
        let mut values = Vec::new();
        while let Some(raw) = reader.next_raw().await? {
            let entry = self.entry(raw);
            if entry.value.is_some() {
                values.push(entry);
            }
        }
        Ok(values)
    }

    /// All present values, then every change.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn watch(&self) -> Result<Watch, ReadError> {
        let all = self.subject(">");
        let question = || self.backend().last(Lane::Bulk, &self.stream, &all);
        let head = ask("the last change", &self.stream, question).await?;
        let head = head.map_or(Sequence(0), |head| head.sequence);
        let reader = self.log.read_spec(self.all(), Follow::Tail);
        Ok(Watch::new(self.clone(), reader, head))
    }

    fn all(&self) -> ReadSpec {
        ReadSpec {
            stream: self.stream.clone(),
            filters: vec![self.subject(">")],
            start: Start::LastPerSubject,
        }
    }
}
