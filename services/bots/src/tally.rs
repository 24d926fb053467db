//! What all bots of a run count together.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use schemas::outcome::Reason;

use crate::histogram::Histogram;

/// Counters without a lock for what happens often, named ones behind a lock for what is rare.
#[derive(Default)]
pub(crate) struct Tally {
    /// Whether the bots play: traffic is measured only then.
    pub(crate) measuring: AtomicBool,
    pub(crate) joined: AtomicU64,
    /// In the world at this moment.
    pub(crate) present: AtomicI64,
    pub(crate) sent: AtomicU64,
    pub(crate) answered: AtomicU64,
    /// Sent and neither answered nor given up.
    pub(crate) outstanding: AtomicI64,
    pub(crate) unanswered: AtomicU64,
    pub(crate) resent: AtomicU64,
    /// From an input to the frame that acknowledges it.
    pub(crate) latency: Histogram,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) frames_in: AtomicU64,
    pub(crate) neighbours_seen: AtomicU64,
    pub(crate) resumes: AtomicU64,
    pub(crate) sessions_lost: AtomicU64,
    pub(crate) area_changes: AtomicU64,
    /// `UseDoor` of bots that had walked to one.
    pub(crate) doors_asked: AtomicU64,
    pub(crate) doors_failed: Named,
    /// From `UseDoor` to the picture behind the door.
    pub(crate) area_change: Histogram,
    /// Between two frames, or a picture and a frame, on one socket.
    pub(crate) frame_gap: Histogram,
    /// From the new socket to the first picture on it.
    pub(crate) resume: Histogram,
    /// From the last thing seen on the lost socket to the first picture on the new one.
    pub(crate) away: Histogram,
    pub(crate) rejected: Named,
    pub(crate) disconnects: Named,
    pub(crate) failures: Named,
}

/// Counters by name.
#[derive(Default)]
pub(crate) struct Named(Mutex<BTreeMap<String, u64>>);

impl Named {
    pub(crate) fn add(&self, name: impl Into<String>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(name.into()).or_default() += 1;
    }

    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn sum(&self) -> u64 {
        self.counts().values().sum()
    }
}

impl Tally {
    /// A command was refused for the reason of this number; its name.
    pub(crate) fn refused(&self, number: u8) -> String {
        let known = Reason::ALL.iter().find(|reason| reason.number() == number);
        let name = known.and_then(|reason| {
            let value = serde_json::to_value(reason).ok()?;
            value.as_str().map(str::to_owned)
        });
        let name = name.unwrap_or_else(|| format!("reason_{number}"));
        self.rejected.add(name.as_str());
        name
    }

    /// A message arrived that took so many bytes of the wire.
    pub(crate) fn received(&self, bytes: u64) {
        if self.measuring.load(Relaxed) {
            self.bytes_in.fetch_add(bytes, Relaxed);
        }
    }

    /// It was a frame, so long after the last one, and so many others are in view.
    pub(crate) fn frame(&self, gap: Option<Duration>, neighbours: usize) {
        if self.measuring.load(Relaxed) {
            if let Some(gap) = gap {
                self.frame_gap.record(gap);
            }
            self.frames_in.fetch_add(1, Relaxed);
            self.neighbours_seen.fetch_add(neighbours as u64, Relaxed);
        }
    }
}
