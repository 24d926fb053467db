//! Snapshots: never authoritative, two kept, the pointer only moves forward.
//!
//! One value in the bucket `snapshots` per area holds both the pointer and the state, so that
//! there is no moment in which one is there without the other. The bucket keeps the last two.

use bytes::Bytes;
use schemas::{AreaId, Digest, Incarnation, Sequence};
use serde::{Deserialize, Serialize};

use crate::EventLog;
use crate::bucket::Bucket;
use crate::error::{ReadError, SaveError};

/// The bucket.
const BUCKET: &str = "snapshots";
/// Version of [`Stored`].
const VERSION: u16 = 1;

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

/// As it stands in the bucket.
#[derive(Serialize, Deserialize)]
struct Stored {
    v: u16,
    point: SnapshotPoint,
    /// Of `state`, so that a damaged one is recognised.
    check: Digest,
    state: Bytes,
}

/// The areas' snapshots.
#[derive(Clone)]
pub struct Snapshots {
    bucket: Bucket,
}

impl EventLog {
    /// The areas' snapshots.
    #[must_use]
    pub fn snapshots(&self) -> Snapshots {
        Snapshots {
            bucket: Bucket::unchecked(self, BUCKET),
        }
    }
}

impl Snapshots {
    /// Keeps `state` as the newest snapshot of `area`; the one before stays as a fall-back.
    ///
    /// # Errors
    /// `NotNewer` if one at or after `point` is there; see [`SaveError`].
    pub async fn save(
        &self,
        area: &AreaId,
        point: SnapshotPoint,
        state: Bytes,
    ) -> Result<(), SaveError> {
        let kept = self.bucket.get(area.as_str()).await;
        let kept = kept.map_err(|error| SaveError::Update(error.into()))?;
        let revision = kept.as_ref().map_or(Sequence(0), |entry| entry.revision);
        let kept = kept.and_then(|entry| read(&entry.value?));
        if let Some(kept) = kept
            && kept.point.incarnation == point.incarnation
            && kept.point.sequence >= point.sequence
        {
            return Err(SaveError::NotNewer {
                area: area.to_string(),
                saved: kept.point.sequence,
                offered: point.sequence,
            });
        }
        let stored = schemas::encode(&Stored {
            v: VERSION,
            point,
            check: Digest::of(&state),
            state,
        });
        // Conditioned on what was compared: somebody who saved since is not overwritten.
        let update = self.bucket.update(area.as_str(), stored.into(), revision);
        update.await?;
        Ok(())
    }

    /// The snapshots of `area`, newest first; at most two. Damaged ones are left out.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn load(&self, area: &AreaId) -> Result<Vec<Snapshot>, ReadError> {
        let mut found = Vec::new();
        for entry in self.bucket.history(area.as_str()).await? {
            match entry.value.as_ref().map(|value| read(value)) {
                Some(Some(snapshot)) => found.push(snapshot),
                Some(None) => tracing::warn!(
                    area.id = %area, revision = entry.revision.0,
                    "a snapshot cannot be read and is passed over"
                ),
                None => {}
            }
        }
        found.reverse();
        Ok(found)
    }
}

/// Where the frame stands after which a value of `stream` was taken, if that is a snapshot.
pub(crate) fn point(stream: &str, value: &[u8]) -> Option<SnapshotPoint> {
    let ours = stream.strip_prefix("KV_") == Some(BUCKET);
    ours.then(|| read(value)).flatten().map(|found| found.point)
}

fn read(bytes: &[u8]) -> Option<Snapshot> {
    let stored: Stored = schemas::decode(bytes).ok()?;
    let sound = stored.v == VERSION && stored.check == Digest::of(&stored.state);
    sound.then_some(Snapshot {
        point: stored.point,
        state: stored.state,
    })
}
