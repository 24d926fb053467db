//! Snapshots: when one is due, and writing it off the tick's path.
//!
//! A snapshot is a shortcut for the next restore and nothing else. It is taken of acknowledged
//! frames only, encoded on a blocking thread, and one that cannot be saved is simply not there.

use std::time::Duration;

use bytes::Bytes;
use eventlog::{SaveError, SnapshotPoint, Snapshots};
use runtime::metric_definitions::SNAPSHOT_SECONDS;
use schemas::Incarnation;
use tokio::sync::mpsc;
use tokio::time::Instant;
use world::AreaState;

use super::run_loop::Farewell;
use crate::config::Config;

/// When a snapshot is due: after so many frames, so many bytes, or a time.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotPolicy {
    most_frames: u64,
    most_bytes: u64,
    every: Duration,
    frames: u64,
    bytes: u64,
    since: Instant,
}

impl SnapshotPolicy {
    /// After a restore that folded so many frames and bytes on top of a snapshot.
    pub(crate) fn new(config: &Config, frames: u64, bytes: u64, now: Instant) -> Self {
        Self {
            most_frames: config.snapshot_frames,
            most_bytes: config.snapshot_bytes,
            every: config.snapshot_every.duration(),
            frames,
            bytes,
            since: now,
        }
    }

    /// A frame of that size has been decided.
    pub(crate) const fn frame(&mut self, bytes: usize) {
        self.frames += 1;
        self.bytes += bytes as u64;
    }

    /// Whether it is time.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.frames >= self.most_frames
            || self.bytes >= self.most_bytes
            || (self.frames > 0 && now.saturating_duration_since(self.since) >= self.every)
    }

    /// One has been handed over for writing.
    pub(crate) const fn taken(&mut self, now: Instant) {
        self.frames = 0;
        self.bytes = 0;
        self.since = now;
    }
}

/// Writes the snapshots of one area, one at a time, until its states stop coming.
pub(crate) async fn keep(
    snapshots: Snapshots,
    events: Incarnation,
    mut states: mpsc::Receiver<Farewell>,
) {
    while let Some(farewell) = states.recv().await {
        save(&snapshots, events, farewell).await;
    }
}

/// Writes one snapshot, of a state after an acknowledged frame.
pub(crate) async fn save(snapshots: &Snapshots, events: Incarnation, farewell: Farewell) {
    let started = Instant::now();
    let Farewell { state, sequence } = farewell;
    let area = state.area().clone();
    let point = SnapshotPoint {
        incarnation: events,
        sequence,
        digest: state.last_digest(),
    };
    let encoded = ambient::blocking(move || encode(&state)).await;
    let Ok(bytes) = encoded else {
        tracing::error!(area.id = %area, "a snapshot could not be encoded; the log has everything");
        return;
    };
    match snapshots.save(&area, point, bytes).await {
        Ok(()) => {
            metrics::histogram!(SNAPSHOT_SECONDS).record(started.elapsed().as_secs_f64());
            tracing::debug!(area.id = %area, event.seq = %sequence, "snapshot kept");
        }
        Err(SaveError::NotNewer { .. }) => {}
        Err(error) => {
            tracing::warn!(area.id = %area, %error, "a snapshot was not kept; restoring will read more of the log");
        }
    }
}

fn encode(state: &AreaState) -> Bytes {
    Bytes::from(schemas::encode(state))
}
