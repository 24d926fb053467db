//! Putting an object: chunks first, the description last.

use std::ops::RangeInclusive;

use bytes::{Bytes, BytesMut};
use schemas::Sequence;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::info::{Content, ObjectInfo};
use super::{ObjectError, Objects};
use crate::backend::{MESSAGE_ID, Outgoing};
use crate::send::{self, MessageId};

/// As `nats object` has it; well below what a broker takes in one message.
const CHUNK_BYTES: usize = 128 * 1024;

/// What has been stored of an object.
#[derive(Default)]
struct Chunks {
    size: u64,
    hash: Sha256,
    /// Others may write in between.
    places: Vec<RangeInclusive<u64>>,
}

impl Chunks {
    fn stored(&mut self, size: usize, at: Sequence) {
        self.size += size as u64;
        match self.places.last_mut() {
            Some(run) if *run.end() + 1 == at.0 => *run = *run.start()..=at.0,
            _ => self.places.push(at.0..=at.0),
        }
    }
}

impl Objects {
    /// Stores what `source` yields as `name`, in place of what was there. It is there whole or not at
    /// all; nobody sees a part of it. One chunk of 128 KiB is held at a time.
    ///
    /// # Errors
    /// `Conflict` when somebody else has put it meanwhile; see [`ObjectError`].
    pub async fn put(
        &self,
        name: &str,
        content_type: Option<&str>,
        source: impl AsyncRead + Send + Unpin,
    ) -> Result<ObjectInfo, ObjectError> {
        let (before, revision) = self.described(name).await?;
        let id = MessageId::random().as_str().to_owned();
        let stored = self.store_chunks(name, &id, source).await;
        let described = match stored {
            Ok(chunks) => {
                self.store_description(name, content_type, &id, chunks, revision)
                    .await
            }
            Err(error) => Err(error),
        };
        // Chunks without a description are nobody's, and so are those of the object before.
        let orphans = match &described {
            Ok(_) => before.as_ref().map(ObjectInfo::id),
            // It may have been stored after all; then they are needed.
            Err(ObjectError::Send(crate::SendError::Unavailable { .. })) => None,
            Err(_) => Some(id.as_str()),
        };
        if let Some(orphans) = orphans
            && let Err(error) = self.forget_chunks(orphans).await
        {
            tracing::warn!(%error, store = self.store, name, "chunks are left for the next sweep");
        }
        described
    }

    /// As [`Objects::put`], of bytes.
    ///
    /// # Errors
    /// See [`ObjectError`].
    pub async fn put_bytes(
        &self,
        name: &str,
        content_type: Option<&str>,
        bytes: &[u8],
    ) -> Result<ObjectInfo, ObjectError> {
        self.put(name, content_type, bytes).await
    }

    async fn store_chunks(
        &self,
        name: &str,
        id: &str,
        mut source: impl AsyncRead + Send + Unpin,
    ) -> Result<Chunks, ObjectError> {
        let subject = self.chunk_subject(id);
        let mut chunks = Chunks::default();
        loop {
            let chunk = next_chunk(&mut source).await;
            let chunk = chunk.map_err(|source| ObjectError::Source {
                name: name.to_owned(),
                source,
            })?;
            if chunk.is_empty() {
                return Ok(chunks);
            }
            chunks.hash.update(&chunk);
            let size = chunk.len();
            let message =
                Outgoing::new(&subject, chunk, None).with(MESSAGE_ID, MessageId::random().as_str());
            let at = send::store(self.backend(), &message).await?;
            chunks.stored(size, at);
        }
    }

    async fn store_description(
        &self,
        name: &str,
        content_type: Option<&str>,
        id: &str,
        chunks: Chunks,
        revision: Sequence,
    ) -> Result<ObjectInfo, ObjectError> {
        let content = Content {
            store: &self.store,
            name,
            content_type,
            id,
            size: chunks.size,
            sha256: chunks.hash.finalize().into(),
            chunk_size: CHUNK_BYTES,
            places: &chunks.places,
        };
        let description = ObjectInfo::describe(&content).encode();
        self.describe(name, description, revision).await?;
        let put = self.info(name).await?.filter(|info| info.id() == id);
        put.ok_or_else(|| ObjectError::Conflict {
            store: self.store.clone(),
            name: name.to_owned(),
        })
    }
}

/// As many bytes as a chunk holds, fewer only at the end.
async fn next_chunk(source: &mut (impl AsyncRead + Send + Unpin)) -> std::io::Result<Bytes> {
    let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
    let mut source = source.take(CHUNK_BYTES as u64);
    while chunk.len() < CHUNK_BYTES {
        if source.read_buf(&mut chunk).await? == 0 {
            break;
        }
    }
    Ok(chunk.freeze())
}
