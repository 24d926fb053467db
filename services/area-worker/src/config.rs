//! What an operator may turn.

use runtime::{Section, Span, Wrong};
use serde::Deserialize;

/// `[worker]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// This worker's name, unique among running workers: letters, digits, `-` and `_`. Default: one
    /// drawn at random; `WORLDLINE_WORKER_NAME`.
    pub name: Option<String>,
    /// How many areas it is willing to own, asleep or awake. Default 2000;
    /// `WORLDLINE_WORKER_CAPACITY`.
    pub capacity: u32,
    /// Threads that do nothing but tick. Default 0: half the cores, at least one;
    /// `WORLDLINE_WORKER_TICK_THREADS`.
    pub tick_threads: usize,
    /// How long an area without players stays awake. Default `10s`; `WORLDLINE_WORKER_SLEEP_AFTER`.
    pub sleep_after: Span,
    /// A snapshot is taken after so many frames. Default 5000; `WORLDLINE_WORKER_SNAPSHOT_FRAMES`.
    pub snapshot_frames: u64,
    /// … or after so many bytes of frames. Default 8 MiB; `WORLDLINE_WORKER_SNAPSHOT_BYTES`.
    pub snapshot_bytes: u64,
    /// … or after this time, if anything has happened. Default `10m`;
    /// `WORLDLINE_WORKER_SNAPSHOT_EVERY`.
    pub snapshot_every: Span,
    /// Silence after which another worker is believed dead, so that its areas may be claimed.
    /// Default `300ms`; `WORLDLINE_WORKER_SUSPECT_AFTER`.
    pub suspect_after: Span,
    /// How many replicas of others' awake areas it keeps, so as to take them at once when their
    /// owner dies. Default 500; `WORLDLINE_WORKER_REPLICAS`.
    pub replicas: u32,
    /// How long a worker that is to end waits for the director to place its areas elsewhere; what is
    /// left then is let go with a last frame. Default `30s`; `WORLDLINE_WORKER_GRACE`.
    pub grace: Span,
    /// A worker whose ticks are later than this claims nothing. Default `200ms`;
    /// `WORLDLINE_WORKER_LATE_AFTER`.
    pub late_after: Span,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: None,
            capacity: 2000,
            tick_threads: 0,
            sleep_after: Span::from_secs(10),
            snapshot_frames: 5000,
            snapshot_bytes: 8 * 1024 * 1024,
            snapshot_every: Span::from_secs(600),
            suspect_after: Span::from_millis(300),
            replicas: 500,
            grace: Span::from_secs(30),
            late_after: Span::from_millis(200),
        }
    }
}

impl Section for Config {
    const NAME: &'static str = "worker";

    fn check(&self) -> Result<(), Wrong> {
        let token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if let Some(name) = &self.name
            && !((1..=48).contains(&name.len()) && name.chars().all(token))
        {
            return Err(Wrong::new(
                "name",
                format!("`{name}` is not 1 to 48 letters, digits, `-` and `_`"),
            ));
        }
        if self.snapshot_frames == 0 {
            return Err(Wrong::new("snapshot_frames", "give at least 1"));
        }
        Ok(())
    }
}
