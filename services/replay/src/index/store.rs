//! Where the index is kept: a directory or an object store, one file a snapshot.
//!
//! `v1/<area>/<mark>.state` are the snapshots, `v1/tail` is how far the last run came. Files are written whole or not
//! at all, never changed, and may be deleted at any time: what is missing or damaged costs time and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload};
use past::Location;
use schemas::{AreaId, Digest, Incarnation, Sequence};
use serde::{Deserialize, Serialize};
use world::AreaState;

use super::mark::Mark;
use crate::ReplayError;
use crate::packed::{pack, unpack};

/// The version of what a tail says.
const VERSION: u16 = 1;
/// The index of history snapshots.
#[derive(Debug, Clone)]
pub struct Index {
    store: Arc<dyn ObjectStore>,
    base: Path,
    place: String,
}

/// How far the last run came, with every area as it stood there.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tail {
    v: u16,
    pub(crate) incarnation: Incarnation,
    /// The last message folded.
    pub(crate) sequence: Sequence,
    /// Of its bytes.
    pub(crate) digest: Digest,
    /// The areas, each with its last frame. What is missing could not be folded.
    pub(crate) areas: Vec<(Sequence, AreaState)>,
}

/// What an index holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Holding {
    /// Snapshots.
    pub(crate) snapshots: u64,
    /// The first one's frame.
    pub(crate) first: Sequence,
    /// The last one's frame.
    pub(crate) last: Sequence,
    /// Bytes they take.
    pub(crate) bytes: u64,
}

impl Index {
    /// The index at `place`, which is made if it is missing.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn create(place: &str) -> Result<Self, ReplayError> {
        let location = location(place)?;
        if let Location::Directory(path) = &location {
            std::fs::create_dir_all(path).map_err(|source| unwritable(place, source))?;
        }
        Self::at(place, &location)
    }

    /// The index at `place`; `None`: there is none.
    ///
    /// # Errors
    /// When it is there and cannot be opened.
    pub fn open(place: &str) -> Result<Option<Self>, ReplayError> {
        let location = location(place)?;
        match &location {
            Location::Directory(path) if !path.is_dir() => Ok(None),
            _ => Self::at(place, &location).map(Some),
        }
    }

    fn at(place: &str, location: &Location) -> Result<Self, ReplayError> {
        let (store, root): (Arc<dyn ObjectStore>, Path) = match location {
            // Not synced to the disk, unlike an archive: it can be made again.
            Location::Directory(path) => {
                let files = LocalFileSystem::new_with_prefix(path);
                let files =
                    files.map_err(|error| unwritable(place, std::io::Error::other(error)))?;
                (Arc::new(files), Path::default())
            }
            Location::S3 { .. } => {
                let store = location.open()?;
                (store.objects, store.root)
            }
        };
        Ok(Self {
            store,
            base: root.join("v1"),
            place: place.to_owned(),
        })
    }

    /// Where it is, as it was named.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    fn of_area(&self, area: &AreaId) -> Path {
        self.base.clone().join(area.as_str())
    }

    fn tail_path(&self) -> Path {
        self.base.clone().join("tail")
    }

    /// The snapshots of an area, oldest first.
    pub(crate) async fn marks(&self, area: &AreaId) -> Result<Vec<Mark>, object_store::Error> {
        let of_area = self.of_area(area);
        let listed = self.store.list(Some(&of_area));
        let names = listed.map_ok(|meta| meta.location.filename().and_then(Mark::parse));
        let mut marks: Vec<Mark> = names
            .try_filter_map(|mark| std::future::ready(Ok(mark)))
            .try_collect()
            .await?;
        marks.sort_unstable();
        Ok(marks)
    }

    /// The state of `area` at `mark`; `None` if it cannot be used.
    pub(crate) async fn load(&self, area: &AreaId, mark: &Mark) -> Option<AreaState> {
        let path = self.of_area(area).join(mark.name());
        let bytes = self.read(&path).await?;
        let state: AreaState = unpack(&bytes)?;
        let same = state.area() == area && state.frame_no() == mark.no;
        same.then_some(state)
    }

    /// Keeps `state` under `mark`.
    pub(crate) async fn save(&self, mark: &Mark, state: &AreaState) -> Result<(), ReplayError> {
        let path = self.of_area(state.area()).join(mark.name());
        self.write(&path, pack(state)).await
    }

    /// How far the last run came; `None`: there was none, or it cannot be used.
    pub(crate) async fn tail(&self) -> Option<Tail> {
        let tail: Tail = unpack(&self.read(&self.tail_path()).await?)?;
        (tail.v == VERSION).then_some(tail)
    }

    /// Keeps how far this run has come.
    pub(crate) async fn save_tail(
        &self,
        incarnation: Incarnation,
        (sequence, digest): (Sequence, Digest),
        areas: Vec<(Sequence, AreaState)>,
    ) -> Result<(), ReplayError> {
        let tail = Tail {
            v: VERSION,
            incarnation,
            sequence,
            digest,
            areas,
        };
        self.write(&self.tail_path(), pack(&tail)).await
    }

    /// What it holds, by area.
    pub(crate) async fn holding(&self) -> Result<BTreeMap<String, Holding>, object_store::Error> {
        let mut listed = self.store.list(Some(&self.base));
        let mut areas: BTreeMap<String, Holding> = BTreeMap::new();
        while let Some(meta) = listed.try_next().await? {
            let mark = meta.location.filename().and_then(Mark::parse);
            let mut parts: Vec<_> = meta.location.parts().collect();
            let area = parts.len().checked_sub(2).map(|at| parts.swap_remove(at));
            if let (Some(mark), Some(area)) = (mark, area) {
                let holding = areas.entry(area.as_ref().to_owned()).or_default();
                holding.first = match holding.snapshots {
                    0 => mark.sequence,
                    _ => holding.first.min(mark.sequence),
                };
                holding.snapshots += 1;
                holding.last = holding.last.max(mark.sequence);
                holding.bytes += meta.size;
            }
        }
        Ok(areas)
    }

    /// Forgets everything.
    pub(crate) async fn clear(&self) -> Result<(), ReplayError> {
        let cleared = async {
            let listed: Vec<_> = self.store.list(Some(&self.base)).try_collect().await?;
            for meta in listed {
                self.store.delete(&meta.location).await?;
            }
            Ok::<_, object_store::Error>(())
        };
        cleared.await.map_err(|error| self.failed(error))
    }

    async fn read(&self, path: &Path) -> Option<Bytes> {
        match self.store.get(path).await {
            Ok(found) => found.bytes().await.ok(),
            Err(object_store::Error::NotFound { .. }) => None,
            Err(error) => {
                eprintln!(
                    "{path} of the index in {} cannot be read: {error}",
                    self.place
                );
                None
            }
        }
    }

    async fn write(&self, path: &Path, bytes: Vec<u8>) -> Result<(), ReplayError> {
        let written = self.store.put(path, PutPayload::from(bytes)).await;
        written.map(drop).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: object_store::Error) -> ReplayError {
        unwritable(&self.place, std::io::Error::other(error))
    }
}

fn location(place: &str) -> Result<Location, ReplayError> {
    let parsed = place.parse::<Location>();
    parsed.map_err(|_| {
        ReplayError::Usage(format!(
            "`{place}` is no place for an index: give a directory, or s3://bucket/prefix"
        ))
    })
}

fn unwritable(place: &str, source: std::io::Error) -> ReplayError {
    ReplayError::Unwritable {
        path: place.into(),
        source,
    }
}
