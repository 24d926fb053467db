//! An archive: closed ranges of the log's streams, as files.
//!
//! ```text
//! AREA_EVENTS/manifest/00000000000000000017     which segments there are; the highest number is valid
//! AREA_EVENTS/segments/<first>-<last>-<digest>.wls
//! ```
//!
//! Segments never change, and a manifest names one only after it has been read back from where it lies.

mod fetch;
mod manifest;
mod portion;
mod read;
mod verify;
mod write;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eventlog::StreamInfo;
use futures_util::TryStreamExt;
use object_store::path::Path;
use schemas::{Incarnation, Sequence};
use tokio::time::Instant;

pub use manifest::{Manifest, Segment};
pub use portion::Portion;
pub(crate) use read::{Piece, Reading, Start};
pub use write::{ArchiveWriter, Stored, WriteError};

use crate::segment::{FORMAT as SEGMENT_FORMAT, Flaw, Footer};
use crate::{Location, PastError, Store};
use manifest::{FORMAT, Unread};

/// So many footers are kept.
const KEPT_FOOTERS: usize = 512;

/// No purge follows on its announcement, nor on a stream's first manifest, sooner than this.
pub const LEAST_DELAY: Duration = Duration::from_secs(1);

/// An archive to read; cheap to clone.
#[derive(Clone)]
pub struct Archive {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    /// What was last read of each stream.
    known: Mutex<HashMap<String, View>>,
    footers: Mutex<HashMap<Path, Arc<Footer>>>,
    /// Somebody who cannot wait has asked.
    asking: AtomicBool,
}

/// What is known of a stream's archive, and since when.
#[derive(Clone)]
pub(crate) struct View {
    /// `None`: nothing of it is archived.
    pub(crate) manifest: Option<Arc<Manifest>>,
    /// Before it was read.
    asked: Instant,
}

impl View {
    /// Up to where it is archived; 0: nothing is.
    pub(crate) fn end(&self) -> Sequence {
        self.manifest.as_ref().map_or(Sequence(0), |m| m.end())
    }

    /// Up to where messages of the life `life` may be purged. What was announced in a former life is of what was
    /// archived then.
    pub(crate) fn purge_to(&self, life: Option<Incarnation>) -> Sequence {
        match &self.manifest {
            Some(manifest) if life == Some(manifest.head.incarnation) => manifest.purge_to(),
            _ => Sequence(0),
        }
    }

    /// Whether what it says of purging still holds: nothing beyond `purge_to` is purged yet.
    pub(crate) fn holds(&self) -> bool {
        let manifest = self.manifest.as_ref();
        let delay = manifest.map_or(LEAST_DELAY, |m| Duration::from_millis(m.head.purge_delay));
        // Half of it: the other half is for what is on its way.
        self.asked.elapsed() * 2 < delay
    }
}

impl Archive {
    /// Opens the archive at `location`.
    ///
    /// # Errors
    /// `NoArchive` when a directory is not there, `Unreachable` when it cannot be read.
    pub fn open(location: &Location) -> Result<Self, PastError> {
        Ok(Self::of(location.open()?))
    }

    pub(crate) fn of(store: Store) -> Self {
        let inner = Inner {
            store,
            known: Mutex::default(),
            footers: Mutex::default(),
            asking: AtomicBool::new(false),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Where it lies, for people.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.inner.store.shown
    }

    /// What is archived of `stream` now; `None`: nothing.
    ///
    /// # Errors
    /// See [`PastError`].
    pub async fn manifest(&self, stream: &str) -> Result<Option<Arc<Manifest>>, PastError> {
        Ok(self.refresh(stream).await?.manifest)
    }

    /// The streams of which anything is archived, by name.
    ///
    /// # Errors
    /// See [`PastError`].
    pub async fn streams(&self) -> Result<Vec<String>, PastError> {
        let store = self.store();
        let root = (!store.root.as_ref().is_empty()).then_some(&store.root);
        let found = store.objects.list_with_delimiter(root).await;
        let found = found.map_err(|error| store.unreachable(&error))?;
        let names = found.common_prefixes.iter();
        let mut names: Vec<String> = names
            .filter_map(|path| Some(path.filename()?.to_owned()))
            .filter(|name| name.ends_with("_EVENTS") || name.ends_with("_COMMANDS"))
            .collect();
        names.sort();
        Ok(names)
    }

    /// What was last read of a stream, or what stands there if nothing was.
    pub(crate) async fn view(&self, stream: &str) -> Result<View, PastError> {
        let known = lock(&self.inner.known).get(stream).cloned();
        match known {
            Some(view) => Ok(view),
            None => self.refresh(stream).await,
        }
    }

    /// What was last read of a stream.
    pub(crate) fn known(&self, stream: &str) -> Option<View> {
        lock(&self.inner.known).get(stream).cloned()
    }

    /// Reads anew what is known of a stream, once at a time, for those who cannot wait.
    pub(crate) fn ask(&self, stream: &str) {
        if self.inner.asking.swap(true, Ordering::AcqRel) {
            return;
        }
        let (archive, stream) = (self.clone(), stream.to_owned());
        tokio::spawn(async move {
            if let Err(error) = archive.refresh(&stream).await {
                tracing::warn!(%error, "the archive cannot be asked now");
            }
            archive.inner.asking.store(false, Ordering::Release);
        });
    }

    /// Up to where the archive is the past of the broker's log that `info` describes.
    ///
    /// # Errors
    /// `OtherWorld`, `BehindArchive`.
    pub(crate) fn reach(
        &self,
        manifest: &Manifest,
        info: &StreamInfo,
    ) -> Result<Sequence, PastError> {
        let archived = manifest.head.incarnation;
        let Some(kept) = info.lineage.reaches(archived) else {
            return Err(PastError::OtherWorld {
                place: self.place().to_owned(),
                stream: manifest.stream().to_owned(),
                archived,
                live: info.incarnation,
            });
        };
        // What a restore has lost is no longer this world's past.
        let reach = manifest.end().min(kept);
        if info.last < reach {
            return Err(PastError::BehindArchive {
                stream: manifest.stream().to_owned(),
                last: info.last,
                archived: reach,
            });
        }
        Ok(reach)
    }

    /// What stands there now.
    pub(crate) async fn refresh(&self, stream: &str) -> Result<View, PastError> {
        let asked = Instant::now();
        let known = lock(&self.inner.known).get(stream).cloned();
        let known = known.and_then(|view| view.manifest);
        let manifest = self.newest(stream, known).await?;
        let view = View { manifest, asked };
        lock(&self.inner.known).insert(stream.to_owned(), view.clone());
        Ok(view)
    }

    /// Takes in a manifest that was written here, and was the newest at `asked` or later.
    fn learn(&self, stream: &str, manifest: Arc<Manifest>, asked: Instant) {
        let manifest = Some(manifest);
        let view = View { manifest, asked };
        lock(&self.inner.known).insert(stream.to_owned(), view);
    }

    async fn newest(
        &self,
        stream: &str,
        known: Option<Arc<Manifest>>,
    ) -> Result<Option<Arc<Manifest>>, PastError> {
        let number = self.numbers(stream).await?.into_iter().max();
        let number = match (number, &known) {
            (Some(number), _) => number,
            (None, None) => return Ok(None),
            // The newest is never removed: what looks empty is not the archive that was there.
            (None, Some(known)) => {
                return Err(self.store().gone(stream, known.number()));
            }
        };
        match known {
            Some(known) if known.number() == number => Ok(Some(known)),
            _ => Ok(Some(Arc::new(self.read_manifest(stream, number).await?))),
        }
    }

    /// The numbers of the manifests that are there.
    pub(crate) async fn numbers(&self, stream: &str) -> Result<Vec<u64>, PastError> {
        let store = self.store();
        let under = store.path(&[stream, "manifest"]);
        let listed = store.objects.list(Some(&under)).try_collect::<Vec<_>>();
        let listed = listed.await.map_err(|error| store.unreachable(&error))?;
        let names = listed.iter().filter_map(|one| one.location.filename());
        // What is half-written has another name.
        Ok(names.filter_map(|name| name.parse().ok()).collect())
    }

    pub(crate) fn manifest_path(&self, stream: &str, number: u64) -> Path {
        self.store()
            .path(&[stream, "manifest", &format!("{number:020}")])
    }

    async fn read_manifest(&self, stream: &str, number: u64) -> Result<Manifest, PastError> {
        let path = self.manifest_path(stream, number);
        let bytes = fetch::whole(self.store(), &path).await?;
        let place = || self.store().show(&path);
        let bytes = bytes.ok_or_else(|| PastError::BadManifest {
            place: place(),
            reason: "it is gone".to_owned(),
        })?;
        Manifest::decode(&bytes, stream, number).map_err(|unread| match unread {
            Unread::Format(found) => PastError::UnknownFormat {
                place: place(),
                found,
                known: FORMAT,
            },
            Unread::Damaged(reason) => PastError::BadManifest {
                place: place(),
                reason,
            },
        })
    }

    pub(crate) fn segment_path(&self, stream: &str, file: &str) -> Path {
        self.store().path(&[stream, "segments", file])
    }

    /// What is wrong with a segment, said with its place.
    pub(crate) fn flawed(&self, stream: &str, segment: &Segment, flaw: Flaw) -> PastError {
        self.flawed_in(stream, segment, (segment.first, segment.until), flaw)
    }

    /// … of which only a range is lost.
    pub(crate) fn flawed_in(
        &self,
        stream: &str,
        segment: &Segment,
        (first, last): (Sequence, Sequence),
        flaw: Flaw,
    ) -> PastError {
        let path = self.segment_path(stream, &segment.file);
        let place = self.store().show(&path);
        match flaw {
            Flaw::Format(found) => PastError::UnknownFormat {
                place,
                found,
                known: SEGMENT_FORMAT,
            },
            Flaw::Damaged(reason) => PastError::Damaged {
                place,
                reason,
                stream: stream.to_owned(),
                first,
                last,
            },
        }
    }

    fn kept_footer(&self, path: &Path) -> Option<Arc<Footer>> {
        lock(&self.inner.footers).get(path).cloned()
    }

    fn keep_footer(&self, path: Path, footer: &Arc<Footer>) {
        let mut kept = lock(&self.inner.footers);
        if kept.len() >= KEPT_FOOTERS {
            kept.clear();
        }
        kept.insert(path, Arc::clone(footer));
    }
}

/// The maps are whole between any two statements, so a panic elsewhere does not spoil them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
