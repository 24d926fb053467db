//! Snapshots: never authoritative, two kept, the pointer only moves forward.

use bytes::Bytes;
use schemas::{AreaId, Digest, Incarnation, Sequence};
use serde::{Deserialize, Serialize};

use crate::error::{ReadError, SaveError};

/// After which frame a snapshot was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotPoint {
    /// Which life of the event stream `sequence` counts in.
    pub incarnation: Incarnation,
    /// The frame's place in it.
    pub sequence: Sequence,
    /// The digest of the frame's bytes.
    pub digest: Digest,
}

/// A stored snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// After which frame.
    pub point: SnapshotPoint,
    /// The state, as it was given to [`Snapshots::save`].
    pub state: Bytes,
}

/// The areas' snapshots.
#[derive(Clone)]
pub struct Snapshots {}

impl Snapshots {
    /// Keeps `state` as the newest snapshot of `area`; the one before stays as a fall-back.
    ///
    /// # Errors
    /// `NotNewer` if a later one is there; see [`SaveError`].
    pub async fn save(
        &self,
        area: &AreaId,
        point: SnapshotPoint,
        state: Bytes,
    ) -> Result<(), SaveError> {
        todo!("{area} {point:?} {state:?}")
    }

    /// The snapshots of `area`, newest first; at most two. Damaged ones are left out.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn load(&self, area: &AreaId) -> Result<Vec<Snapshot>, ReadError> {
        todo!("{area}")
    }
}
