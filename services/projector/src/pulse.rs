//! Signs of life of one projection, and noticing that they have stopped.
//!
//! A projection that works or waits for something it knows of gives a sign every few seconds. One without is *stuck*: a
//! database that has taken a statement and never answers, a lock that somebody holds, a reader that is behind and
//! silent. Nothing within the stuck work would ever say so; this does.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When the last sign of life was given; clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Pulse(Arc<Mutex<Instant>>);

impl Pulse {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// A sign of life.
    pub(crate) fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Returns once there was no sign for `patience`.
    pub(crate) async fn stops(&self, patience: Duration) {
        loop {
            let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let due = last + patience;
            if due <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(due).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn it_stops_only_when_nobody_beats() {
        let pulse = Pulse::new();
        let begun = Instant::now();
        let beating = async {
            for _ in 0..10 {
                tokio::time::sleep(PATIENCE / 2).await;
                pulse.beat();
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = beating => {}
            () = pulse.stops(PATIENCE) => {}
        }
        assert_eq!(begun.elapsed(), PATIENCE * 6);
    }
}
