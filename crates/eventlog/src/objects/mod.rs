//! Object stores: large values by name, in chunks.
//!
//! A store is a stream (`OBJ_<store>`) with two kinds of messages, laid out as `nats object` lays them out and reads
//! them: chunks under `$O.<store>.C.<id>`, and one *description* under `$O.<store>.M.<name>`, which
//! replaces the one before it. The description is written last, so an object is there whole or not at all; what an
//! interrupted [`Objects::put`] leaves are chunks that no description names, which [`Objects::sweep`] removes.
//!
//! The description tells at which places of the stream the chunks stand, so that a part of an object is
//! read without the rest.

mod error;
mod info;
mod put;
mod read;

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use schemas::{Sequence, UnixMillis};

pub use self::error::ObjectError;
pub use self::info::ObjectInfo;
use self::info::encode_name;
pub use self::read::ObjectReader;
use crate::EventLog;
use crate::ask::ask;
use crate::backend::{Backend, EXPECTED_LAST, Lane, Outgoing, ROLLUP, Raw, ReadSpec, Start};
use crate::conditioned::{self, Refusal};
use crate::error::{ReadError, SendError};
use crate::read::Follow;
use crate::send::MessageId;

/// An object store.
#[derive(Clone)]
pub struct Objects {
    log: EventLog,
    store: String,
    stream: String,
}

impl EventLog {
    /// Opens the object store `store`, which must be there.
    ///
    /// # Errors
    /// `NoStream` when it is not; see [`ReadError`].
    pub async fn objects(&self, store: &str) -> Result<Objects, ReadError> {
        let objects = Objects {
            log: self.clone(),
            store: store.to_owned(),
            stream: format!("OBJ_{store}"),
        };
        let question = || self.backend.state(&objects.stream, None);
        ask("the state", &objects.stream, question).await?;
        Ok(objects)
    }
}

impl Objects {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.store
    }

    fn backend(&self) -> &Arc<dyn Backend> {
        &self.log.backend
    }

    fn description_subject(&self, name: &str) -> String {
        format!("$O.{}.M.{}", self.store, encode_name(name))
    }

    fn chunk_subject(&self, id: &str) -> String {
        format!("$O.{}.C.{id}", self.store)
    }

    /// What the leader says about `name`; `None` when it is not there.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn info(&self, name: &str) -> Result<Option<ObjectInfo>, ReadError> {
        let (described, _) = self.described(name).await?;
        Ok(described.filter(|info| !info.is_deleted()))
    }

    /// The last description of `name`, deleted or not, and where it stands.
    async fn described(&self, name: &str) -> Result<(Option<ObjectInfo>, Sequence), ReadError> {
        let subject = self.description_subject(name);
        let question = || self.backend().last(Lane::Bulk, &self.stream, &subject);
        let Some(raw) = ask("a description", &self.stream, question).await? else {
            return Ok((None, Sequence(0)));
        };
        let revision = raw.sequence;
        Ok((Some(self.read_description(&raw)?), revision))
    }

    fn read_description(&self, raw: &Raw) -> Result<ObjectInfo, ReadError> {
        ObjectInfo::read(raw).map_err(|reason| ReadError::Refused {
            what: format!("object store {}", self.store),
            reason: format!("message {} is no description: {reason}", raw.sequence),
        })
    }

    /// All objects, in the order in which they were put.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn list(&self) -> Result<Vec<ObjectInfo>, ReadError> {
        let spec = ReadSpec {
            stream: self.stream.clone(),
            filters: vec![format!("$O.{}.M.>", self.store)],
            start: Start::LastPerSubject,
        };
        let mut reader = self.log.read_spec(spec, Follow::UntilHead);
        let mut found = Vec::new();
        while let Some(raw) = reader.next_raw().await? {
            let info = self.read_description(&raw)?;
            if !info.is_deleted() {
                found.push(info);
            }
        }
        Ok(found)
    }

    /// Deletes `name`; deleting what is not there is no error.
    ///
    /// # Errors
    /// `Conflict` when somebody has put it anew meanwhile; see [`ObjectError`].
    pub async fn delete(&self, name: &str) -> Result<(), ObjectError> {
        match self.info(name).await? {
            Some(info) => self.delete_this(&info).await,
            None => Ok(()),
        }
    }

    /// Deletes the object that `info` describes, unless it has been put anew since.
    ///
    /// # Errors
    /// `Conflict` if it has; see [`ObjectError`].
    pub async fn delete_this(&self, info: &ObjectInfo) -> Result<(), ObjectError> {
        let gone = info.deleted(&self.store);
        self.describe(&info.name, gone, info.revision).await?;
        Ok(self.forget_chunks(info.id()).await?)
    }

    /// Removes chunks that no description names and whose last one was stored before `before`: what interrupted
    /// puts have left. Tells how many objects' worth. Give the slowest put its time.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn sweep(&self, before: UnixMillis) -> Result<usize, ReadError> {
        let prefix = self.chunk_subject("");
        // First the chunks, then the descriptions: what is put in between is described by then or young.
        let chunks = self
            .log
            .subjects(&self.stream, &format!("{prefix}>"))
            .await?;
        let described = self.list().await?;
        let described: HashSet<&str> = described.iter().map(ObjectInfo::id).collect();
        let mut swept = 0;
        for (subject, _) in &chunks {
            let id = subject.strip_prefix(&prefix).unwrap_or_default();
            if described.contains(id) {
                continue;
            }
            let question = || self.backend().last(Lane::Bulk, &self.stream, subject);
            let last = ask("a chunk", &self.stream, question).await?;
            if last.is_some_and(|last| last.stored_at < before) {
                self.forget_chunks(id).await?;
                swept += 1;
            }
        }
        Ok(swept)
    }

    /// Stores a description if the one at `expected` is still the last; 0: if there is none.
    async fn describe(
        &self,
        name: &str,
        description: Vec<u8>,
        expected: Sequence,
    ) -> Result<Sequence, ObjectError> {
        let subject = self.description_subject(name);
        let size = description.len();
        let message = Outgoing::new(&subject, Bytes::from(description), None)
            .with(ROLLUP, "sub")
            .with(EXPECTED_LAST, expected)
            .with("Worldline-Write", MessageId::random().as_str());
        let stored = conditioned::store(self.backend(), &self.stream, &message, expected).await;
        stored.map_err(|refusal| match refusal {
            Refusal::Fenced(_) | Refusal::Gone(_) => ObjectError::Conflict {
                store: self.store.clone(),
                name: name.to_owned(),
            },
            Refusal::Full => SendError::Full { subject }.into(),
            Refusal::TooLarge => SendError::TooLarge { subject, size }.into(),
            Refusal::Denied => SendError::Denied { subject }.into(),
            Refusal::Refused(reason) => SendError::Refused { subject, reason }.into(),
            Refusal::Unknown(reason) => SendError::Unavailable { subject, reason }.into(),
        })
    }

    /// Removes all chunks of an object; nobody reads what no description names.
    async fn forget_chunks(&self, id: &str) -> Result<(), ReadError> {
        let subject = self.chunk_subject(id);
        let everything = Sequence(u64::MAX);
        let question = || self.backend().purge(&self.stream, &subject, everything);
        ask("removing chunks", &self.stream, question).await?;
        Ok(())
    }
}
