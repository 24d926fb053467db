//! Writing an archive: a segment is stored under another name, read back, given its name, and then named by the next
//! manifest. Whatever breaks off in between leaves the archive as it was.

use std::sync::Arc;

use bytes::Bytes;
use eventlog::StreamInfo;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use schemas::{Sequence, UnixMillis};
use tokio::time::Instant;

use super::{Archive, Manifest, fetch};
use crate::segment::{Content, Footer, Sealed, sha256};
use crate::subject::Filters;
use crate::{Location, PastError};

/// So many manifests are kept behind the newest.
const KEPT: u64 = 16;
/// A half-written file that is older was left by somebody who is gone, in seconds.
const ABANDONED: i64 = 3600;

/// Why nothing was archived. Nothing in the archive has changed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The archive or the broker cannot be read, or do not belong together: what it says.
    #[error(transparent)]
    Past(#[from] PastError),
    /// Another archiver has written meanwhile: open the archive anew. One of two should be stopped.
    #[error("another archiver writes to {place}: manifest {number} of {stream} is there already")]
    Conflict {
        /// The archive.
        place: String,
        /// The stream.
        stream: String,
        /// The number that both wanted.
        number: u64,
    },
    /// Nothing of the stream is archived here, although messages are gone from the broker: the archive that has them is
    /// not mounted, or elsewhere. Bring it there; or, if there never was one, say so with [`Archive::begin`].
    #[error(
        "{place} holds nothing of {stream}, and {lost} messages up to {last} are gone from the broker: is this the archive's \
         place, and its disk mounted? If they were never archived, begin without them: `worldline archive begin`"
    )]
    NotBegun {
        /// Where the archive was looked for.
        place: String,
        /// The stream.
        stream: String,
        /// How many messages the broker does not have any more.
        lost: u64,
        /// The last message of the stream.
        last: Sequence,
    },
    /// The archive takes nothing: no room, no right. Nothing was purged, so that nothing is lost.
    #[error("{place} cannot be written: {reason}")]
    Unwritable {
        /// What was written.
        place: String,
        /// What was met.
        reason: String,
    },
    /// What was read back is not what was written: look at the disk or the store.
    #[error("{place} reads back as something else than was written: {reason}")]
    ReadBack {
        /// What was written.
        place: String,
        /// What is different.
        reason: String,
    },
}

/// A segment that has been archived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Its first message.
    pub first: Sequence,
    /// Its last message.
    pub last: Sequence,
    /// How many messages.
    pub messages: u64,
    /// Size of the file in bytes.
    pub bytes: u64,
}

/// Writes the archive of one stream.
pub struct ArchiveWriter {
    archive: Archive,
    manifest: Manifest,
}

impl Archive {
    /// Opens an archive to write; the directory is made if there is none.
    ///
    /// # Errors
    /// `Unreachable` when it cannot be used.
    pub fn create(location: &Location) -> Result<Self, PastError> {
        Ok(Self::of(location.create()?))
    }

    /// Goes on with the archive of the stream that `info` describes, or begins it. `purge_delay`: milliseconds.
    ///
    /// # Errors
    /// When the archive cannot be read, or is not this log's; `NotBegun` when there is none and there should be.
    pub async fn writer(
        &self,
        stream: &str,
        info: &StreamInfo,
        purge_delay: u64,
    ) -> Result<ArchiveWriter, WriteError> {
        self.clean(stream).await?;
        let found = self.refresh(stream).await?.manifest;
        let Some(found) = found else {
            let lost = lost(stream, info);
            if lost > 0 {
                return Err(WriteError::NotBegun {
                    place: self.place().to_owned(),
                    stream: stream.to_owned(),
                    lost,
                    last: info.last,
                });
            }
            return Ok(ArchiveWriter {
                archive: self.clone(),
                manifest: Manifest::first(stream, info, purge_delay),
            });
        };
        let reach = self.reach(&found, info)?;
        let mut manifest = Arc::unwrap_or_clone(found);
        if manifest.head.incarnation != info.incarnation {
            manifest.cut(reach);
            manifest.set_lineage(&info.lineage);
        }
        // It never gets shorter: readers rely on the one they have seen.
        manifest.head.purge_delay = manifest.head.purge_delay.max(purge_delay);
        Ok(ArchiveWriter {
            archive: self.clone(),
            manifest,
        })
    }

    /// Begins the archive of a stream with what the broker still has, whatever it has lost. `None`: it had begun already;
    /// otherwise, how many messages will be in no archive.
    ///
    /// # Errors
    /// When the archive cannot be read or written.
    pub async fn begin(
        &self,
        stream: &str,
        info: &StreamInfo,
        purge_delay: u64,
    ) -> Result<Option<u64>, WriteError> {
        if self.refresh(stream).await?.manifest.is_some() {
            return Ok(None);
        }
        let manifest = Manifest::first(stream, info, purge_delay);
        let mut writer = ArchiveWriter {
            archive: self.clone(),
            manifest: manifest.clone(),
        };
        writer.store_manifest(manifest).await?;
        Ok(Some(lost(stream, info)))
    }

    /// Removes what was left half-written.
    async fn clean(&self, stream: &str) -> Result<(), PastError> {
        let store = self.store();
        let under = store.path(&[stream, "segments"]);
        let listed = store.objects.list(Some(&under)).try_collect::<Vec<_>>();
        let listed = listed.await.map_err(|error| store.unreachable(&error))?;
        let now = i64::try_from(UnixMillis::now().0 / 1000).unwrap_or(i64::MAX);
        for left in listed {
            let part = left.location.filename().is_some_and(is_part);
            if part && now - left.last_modified.timestamp() > ABANDONED {
                store.objects.delete(&left.location).await.ok();
            }
        }
        Ok(())
    }
}

/// How many messages of a stream are gone that only a purge can have removed. Commands age out, so that there it means
/// nothing. A purge leaves each subject's newest message: the first one that is left may well be message 1.
fn lost(stream: &str, info: &StreamInfo) -> u64 {
    let keeps_all = stream.ends_with("_EVENTS") && info.max_age.is_none();
    match keeps_all {
        true => info.last.0.saturating_sub(info.messages),
        false => 0,
    }
}

fn is_part(name: &str) -> bool {
    name.ends_with(".part")
}

impl ArchiveWriter {
    /// What is archived.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Adds a segment, which must begin after the last one.
    ///
    /// # Errors
    /// See [`WriteError`]; nothing has changed.
    pub async fn add(&mut self, sealed: Sealed) -> Result<Stored, WriteError> {
        let stream = self.manifest.stream().to_owned();
        let digest = sealed.sha256.get(..16).unwrap_or_default();
        let (first, last) = (sealed.first.0, sealed.last.0);
        let file = format!("{first:020}-{last:020}-{digest}.wls");
        let path = self.archive.segment_path(&stream, &file);
        let part = self.archive.segment_path(&stream, &format!("{file}.part"));
        let stored = self.store_segment(&sealed, &part, &path).await;
        if let Err(error) = stored {
            self.archive.store().objects.delete(&part).await.ok();
            return Err(error);
        }
        let mut next = self.manifest.clone();
        next.push(file, &sealed);
        self.store_manifest(next).await?;
        Ok(Stored {
            first: sealed.first,
            last: sealed.last,
            messages: sealed.messages,
            bytes: sealed.size(),
        })
    }

    /// Says that messages up to `purge_to` will be purged from the broker. The manifest's purge delay must pass before
    /// the first is.
    ///
    /// # Errors
    /// See [`WriteError`]: nothing may be purged then.
    pub async fn announce(&mut self, purge_to: Sequence) -> Result<(), WriteError> {
        let mut next = self.manifest.clone();
        next.head.purge_to = next.head.purge_to.max(purge_to.min(next.end()));
        self.store_manifest(next).await
    }

    async fn store_segment(
        &self,
        sealed: &Sealed,
        part: &Path,
        path: &Path,
    ) -> Result<(), WriteError> {
        let store = self.archive.store();
        let unwritable = |error: Error| WriteError::Unwritable {
            place: store.show(path),
            reason: error.to_string(),
        };
        let bytes = Bytes::copy_from_slice(&sealed.bytes);
        let put = store.objects.put(part, bytes.into()).await;
        put.map_err(unwritable)?;
        let place = store.show(part);
        let differs = |reason: String| WriteError::ReadBack {
            place: place.clone(),
            reason,
        };
        let back = fetch::whole(store, part).await?;
        let back = back.ok_or_else(|| differs("it is not there".to_owned()))?;
        let wanted = (
            sealed.sha256.clone(),
            sealed.footer.clone(),
            sealed.content.clone(),
        );
        let stream = self.manifest.stream().to_owned();
        let checking = tokio::task::spawn_blocking(move || read_back(&back, &stream, &wanted));
        let checked = checking.await.map_err(|error| differs(error.to_string()))?;
        checked.map_err(differs)?;
        store.objects.rename(part, path).await.map_err(unwritable)
    }

    async fn store_manifest(&mut self, mut next: Manifest) -> Result<(), WriteError> {
        let asked = Instant::now();
        let (archive, stream) = (&self.archive, self.manifest.stream().to_owned());
        next.head.number = self.manifest.number() + 1;
        next.head.previous = self.manifest.digest.clone();
        next.head.written_at = UnixMillis::now();
        let (bytes, digest) = next.encode();
        next.digest = digest;
        let number = next.number();
        let path = archive.manifest_path(&stream, number);
        let store = archive.store();
        let options = PutOptions::from(PutMode::Create);
        let conflict = || WriteError::Conflict {
            place: store.shown.to_string(),
            stream: stream.clone(),
            number,
        };
        match store.objects.put_opts(&path, bytes.into(), options).await {
            Ok(_) => {}
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => return Err(conflict()),
            Err(error) => {
                return Err(WriteError::Unwritable {
                    place: store.show(&path),
                    reason: error.to_string(),
                });
            }
        }
        // Whoever was away for long may have taken a number that others have left behind and removed.
        let numbers = archive.numbers(&stream).await?;
        if numbers.iter().any(|other| *other > number) {
            return Err(conflict());
        }
        // The one before was there when this was begun: what has it no more is another disk.
        let before = number - 1;
        if before > 0 && !numbers.contains(&before) {
            store.objects.delete(&path).await.ok();
            return Err(store.gone(&stream, before).into());
        }
        archive.learn(&stream, Arc::new(next.clone()), asked);
        self.manifest = next;
        for old in numbers.into_iter().filter(|old| old + KEPT < number) {
            let old = archive.manifest_path(&stream, old);
            store.objects.delete(&old).await.ok();
        }
        Ok(())
    }
}

/// Reads a segment whole and holds it against what was sealed.
fn read_back(
    file: &Bytes,
    stream: &str,
    (digest, footer, content): &(String, String, String),
) -> Result<(), String> {
    if sha256(file) != *digest {
        return Err("its bytes are others".to_owned());
    }
    let found = content_of(file, stream, footer)?;
    if found != *content {
        return Err("its messages are others".to_owned());
    }
    Ok(())
}

/// The digest over all messages in a segment's file.
pub(super) fn content_of(file: &Bytes, stream: &str, footer: &str) -> Result<String, String> {
    let flawed = |flaw| format!("{flaw:?}");
    let footer = Footer::of_file(file, footer).map_err(flawed)?;
    let mut records = Vec::new();
    let all = (Sequence(0), Sequence(u64::MAX));
    for block in &footer.blocks {
        let packed = block.of_file(file).map_err(flawed)?;
        let read = block.read(&packed, stream, &Filters::default(), all, &mut records);
        read.map_err(flawed)?;
    }
    records.sort_by_key(|record| record.sequence);
    let mut content = Content::default();
    records.iter().for_each(|record| content.add(record));
    Ok(content.finish())
}
