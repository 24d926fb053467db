//! Reading an object, whole or a part: only the chunks that hold the part are fetched.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use schemas::Sequence;
use sha2::{Digest as _, Sha256};

use super::info::ObjectInfo;
use super::{ObjectError, Objects};
use crate::ask::ask;

/// So many chunks are asked for ahead of the one that is handed out.
const AHEAD: usize = 4;

/// An object, or a part of it, piece by piece.
pub struct ObjectReader {
    chunks: BoxStream<'static, Result<Bytes, ObjectError>>,
    /// Of the first chunk: what stands before the part.
    skip: u64,
    /// Of the part: what has not been handed out.
    left: u64,
    /// Of a whole object: what has been read, and what it should come to.
    check: Option<(Sha256, [u8; 32])>,
    store: String,
    name: String,
}

impl Objects {
    /// Reads the bytes `range` of the object that `info` describes, without the chunks before and after.
    /// What lies beyond the object's end is left out. A whole object is held against its digest.
    ///
    /// # Errors
    /// `Damaged` when its description makes no sense, or another tool has put it.
    pub fn read(&self, info: &ObjectInfo, range: Range<u64>) -> Result<ObjectReader, ObjectError> {
        let end = range.end.min(info.size);
        let start = range.start.min(end);
        let size = info.chunk_size();
        let whole = start == 0 && end == info.size;
        let places = info.places().ok_or_else(|| {
            let reason = "its description does not tell where its chunks stand; put it again";
            self.damaged(info, reason.to_owned())
        })?;
        if info.size.div_ceil(size) != places.len() as u64 {
            let reason = format!("{} bytes in {} chunks", info.size, places.len());
            return Err(self.damaged(info, reason));
        }
        let wanted = if start == end {
            VecDeque::new()
        } else {
            let (first, last) = (start / size, (end - 1) / size);
            let in_part = |at: &usize| (first..=last).contains(&(*at as u64));
            let all = places.iter().enumerate();
            let part = all.filter(|(at, _)| in_part(at));
            part.map(|(_, place)| *place).collect()
        };
        let (objects, info) = (self.clone(), info.clone());
        let (store, name, sha256) = (self.store.clone(), info.name.clone(), info.sha256);
        let chunks = stream::iter(wanted).map(move |place| {
            let (objects, info) = (objects.clone(), info.clone());
            async move { objects.chunk(&info, place).await }
        });
        Ok(ObjectReader {
            chunks: chunks.buffered(AHEAD).boxed(),
            skip: start % size,
            left: end - start,
            check: whole.then(|| (Sha256::new(), sha256)),
            store,
            name,
        })
    }

    /// The whole of `name`, held against its digest.
    ///
    /// # Errors
    /// See [`ObjectError`].
    pub async fn get(&self, name: &str) -> Result<Bytes, ObjectError> {
        self.get_range(name, 0..u64::MAX).await
    }

    /// The bytes `range` of `name`; what lies beyond its end is left out.
    ///
    /// # Errors
    /// See [`ObjectError`].
    pub async fn get_range(&self, name: &str, range: Range<u64>) -> Result<Bytes, ObjectError> {
        let info = self
            .info(name)
            .await?
            .ok_or_else(|| ObjectError::NotFound {
                store: self.store.clone(),
                name: name.to_owned(),
            })?;
        self.read(&info, range)?.collect().await
    }

    async fn chunk(&self, info: &ObjectInfo, place: Sequence) -> Result<Bytes, ObjectError> {
        let question = || self.backend().get(&self.stream, place, None);
        let raw = ask("a chunk", &self.stream, question).await?;
        let subject = self.chunk_subject(info.id());
        match raw.filter(|raw| raw.subject == subject) {
            Some(raw) => Ok(raw.payload),
            // Deleted or put anew while it was read.
            None => Err(ObjectError::NotFound {
                store: self.store.clone(),
                name: info.name.clone(),
            }),
        }
    }

    fn damaged(&self, info: &ObjectInfo, reason: String) -> ObjectError {
        ObjectError::Damaged {
            store: self.store.clone(),
            name: info.name.clone(),
            reason,
        }
    }
}

impl ObjectReader {
    /// The next piece; `None` at the end. Cancel safe.
    ///
    /// # Errors
    /// See [`ObjectError`]; after one, there is nothing more.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ObjectError> {
        let Some(chunk) = self.chunks.next().await else {
            return self.ended().map(|()| None);
        };
        let mut chunk = chunk?;
        if let Some((hash, _)) = &mut self.check {
            hash.update(&chunk);
        }
        let skip = std::mem::take(&mut self.skip);
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        drop(chunk.split_to(skip.min(chunk.len())));
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        chunk.truncate(left);
        self.left -= chunk.len() as u64;
        Ok(Some(chunk))
    }

    /// All of it at once.
    ///
    /// # Errors
    /// See [`ObjectError`].
    pub async fn collect(mut self) -> Result<Bytes, ObjectError> {
        let mut all = BytesMut::with_capacity(usize::try_from(self.left).unwrap_or(0));
        while let Some(piece) = self.next().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }

    fn ended(&mut self) -> Result<(), ObjectError> {
        let damaged = |reason: String| ObjectError::Damaged {
            store: self.store.clone(),
            name: self.name.clone(),
            reason,
        };
        if self.left > 0 {
            return Err(damaged(format!("{} bytes are missing", self.left)));
        }
        let Some((hash, wanted)) = self.check.take() else {
            return Ok(());
        };
        if <[u8; 32]>::from(hash.finalize()) != wanted {
            return Err(damaged("its content is not what was put".to_owned()));
        }
        Ok(())
    }
}
