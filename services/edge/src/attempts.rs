//! How often an address has tried: failed logins and new accounts, seen by every edge.
//!
//! Each address has a value in the bucket `attempts` with the times of what it did; every edge
//! watches all of them, and counts what is on its way here too, so that guesses sent all at once
//! are as few as guesses sent one by one. The address itself is not in the bucket, only what stands
//! for it. The limit of one *account* is identity's to keep: an attacker with many addresses.

mod ledger;
mod times;

use std::sync::Arc;
use std::time::Duration;

use eventlog::{Bucket, EventLog, ReadError, UpdateError};
use schemas::{Sequence, UnixMillis};
use tokio_util::task::AbortOnDropHandle;

use self::ledger::{Entering, Ledger};
use self::times::Times;
use crate::client_address::ClientAddress;
use crate::http::Problem;
use crate::meters;
use crate::watching::keep_up;

/// The bucket.
const BUCKET: &str = "attempts";
/// How often a value is written anew that other edges have changed meanwhile.
const TRIES: u32 = 8;

/// Something of which an address may do so much.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    /// What: the beginning of its keys, and the label of what is refused.
    what: &'static str,
    /// So often; 0: no limit.
    most: u32,
    /// Within so long.
    window: Duration,
    /// What whoever does too much is told.
    problem: Problem,
}

/// What is known of all addresses.
pub(crate) struct Attempts {
    bucket: Bucket,
    ledger: Arc<Ledger>,
    _watching: AbortOnDropHandle<()>,
}

impl Limit {
    /// Failed logins.
    pub(crate) fn failed_logins(most: u32) -> Self {
        Self {
            what: "failed",
            most,
            window: Duration::from_secs(10 * 60),
            problem: Problem::TOO_MANY_ATTEMPTS,
        }
    }

    /// New accounts.
    pub(crate) fn registrations(most: u32) -> Self {
        Self {
            what: "registered",
            most,
            window: Duration::from_secs(60 * 60),
            problem: Problem::TOO_MANY_REGISTRATIONS,
        }
    }
}

impl Attempts {
    /// Begins to watch them.
    ///
    /// # Errors
    /// When the bucket is not there or the broker does not answer.
    pub(crate) async fn begin(log: &EventLog) -> Result<Self, ReadError> {
        let bucket = log.bucket(BUCKET).await?;
        let ledger = Arc::new(Ledger::default());
        let shared = Arc::clone(&ledger);
        let watching = keep_up(bucket.clone(), move |entry| {
            shared.learn(entry.key, entry.value.as_deref().and_then(Times::read));
        });
        Ok(Self {
            bucket,
            ledger,
            _watching: AbortOnDropHandle::new(tokio::spawn(watching)),
        })
    }

    /// Does something if `client` may do it still, and counts it if its result `counts`.
    ///
    /// # Errors
    /// The limit's problem, or what the doing ends with.
    pub(crate) async fn within<T>(
        &self,
        limit: Limit,
        client: &ClientAddress,
        counts: impl FnOnce(&Result<T, Problem>) -> bool,
        doing: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        if limit.most == 0 {
            return doing.await;
        }
        let key = format!("{}.{}", limit.what, client.tag);
        let (window, most) = (limit.window, limit.most);
        let entered = Ledger::enter(&self.ledger, &key, most, window, UnixMillis::now());
        let _on_its_way = match entered {
            Entering::May(on_its_way) => on_its_way,
            Entering::After(wait) => {
                meters::refused(limit.what);
                return Err(limit.problem.after(wait));
            }
        };
        let done = doing.await;
        if counts(&done) {
            let now = UnixMillis::now();
            self.ledger.count(&key, most, now);
            if let Err(error) = self.record(&key, most, now).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    what = limit.what,
                    error,
                    "other edges do not see an attempt"
                );
            }
        }
        done
    }

    /// Writes one more time of `key`, for all edges.
    async fn record(&self, key: &str, most: u32, at: UnixMillis) -> Result<(), UpdateError> {
        let mut tries = 0;
        loop {
            let standing = self.bucket.get(key).await?;
            let revision = standing
                .as_ref()
                .map_or(Sequence(0), |entry| entry.revision);
            let value = standing.and_then(|entry| entry.value);
            let mut times = value.as_deref().and_then(Times::read).unwrap_or_default();
            times.add(at, most);
            tries += 1;
            match self.bucket.update(key, times.write(), revision).await {
                Err(UpdateError::Conflict { .. }) if tries < TRIES => {}
                done => return done.map(drop),
            }
        }
    }
}
