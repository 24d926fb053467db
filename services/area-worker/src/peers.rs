//! Which other workers are alive, as far as their heartbeats tell.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use schemas::WorkerId;
use tokio::time::Instant;

/// When each worker was last heard.
#[derive(Debug)]
pub(crate) struct Peers {
    heard: Mutex<HashMap<WorkerId, Instant>>,
    since: Instant,
    patience: Duration,
}

impl Peers {
    /// Nobody has been heard yet; `patience` is the silence after which one is believed dead.
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            heard: Mutex::default(),
            since: Instant::now(),
            patience,
        }
    }

    /// A heartbeat came.
    pub(crate) fn heard(&self, worker: WorkerId) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.retain(|_, at| at.elapsed() < 100 * self.patience);
        heard.insert(worker, Instant::now());
    }

    /// When the silence of a worker has lasted for `patience`, if nothing more is heard of it. Of
    /// one that was never heard nobody can say anything before having listened for so long.
    pub(crate) fn silent_at(&self, worker: &str, patience: Duration) -> Instant {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.get(worker).copied().unwrap_or(self.since) + patience
    }

    /// Whether `worker` was heard lately, or nobody has listened long enough to say.
    pub(crate) fn may_be_alive(&self, worker: &str) -> bool {
        Instant::now() < self.silent_at(worker, self.patience)
    }

    /// Whether anybody but `me` was heard lately.
    pub(crate) fn anybody_else(&self, me: &str) -> bool {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let lately =
            |(worker, at): (&WorkerId, &Instant)| worker != me && at.elapsed() < self.patience;
        heard.iter().any(lately)
    }
}
