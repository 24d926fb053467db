//! What a process takes from its surroundings: the wall clock, entropy, tasks, blocking threads.
//!
//! In production each function here is the system's own and nothing more. In the deterministic
//! simulation (feature `simulation`) many processes live in one thread; then the clock is the simulated
//! one of the process that asks, its numbers come from its seed, and its tasks are paused
//! and killed with it. Whoever takes these things from here can be simulated; the clock that measures
//! (`tokio::time::Instant`) needs no help, a paused runtime holds it.

#[cfg(feature = "simulation")]
pub mod simulation;

use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::distr::{Distribution, StandardUniform};
use tokio::task::JoinHandle;

/// The work of [`blocking`] panicked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("work on a thread of its own panicked")]
pub struct Panicked;

/// The wall clock: time since the beginning of 1970.
#[must_use]
pub fn wall_clock() -> Duration {
    #[cfg(feature = "simulation")]
    if let Some(simulated) = simulation::wall_clock() {
        return simulated;
    }
    // A clock before 1970 is as good as none.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// A random value, for what must differ between two processes: claims, lives, ids.
#[must_use]
pub fn random<T>() -> T
where
    StandardUniform: Distribution<T>,
{
    #[cfg(feature = "simulation")]
    if let Some(drawn) = simulation::random() {
        return drawn;
    }
    rand::random()
}

/// `future` as a task's work in the process that calls this: for `JoinSet::spawn` and its like.
#[cfg(not(feature = "simulation"))]
pub fn here<F: Future>(future: F) -> F {
    future
}

/// `future` as a task's work in the process that calls this: for `JoinSet::spawn` and its like.
#[cfg(feature = "simulation")]
pub fn here<F: Future>(future: F) -> simulation::Here<F> {
    simulation::Here::new(future)
}

/// Spawns a task of the process that calls this.
///
/// # Panics
/// Outside a Tokio runtime, as `tokio::spawn` does.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(here(future))
}

/// Runs what takes long without waiting off the async threads.
///
/// # Errors
/// When it panics.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Panicked> {
    #[cfg(feature = "simulation")]
    if simulated() {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        return caught.map_err(|_| Panicked);
    }
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Panicked)
}

/// Whether the caller lives in a simulation, in which threads of its own would bring back chance.
#[must_use]
pub fn simulated() -> bool {
    #[cfg(feature = "simulation")]
    return simulation::Process::current().is_some();
    #[cfg(not(feature = "simulation"))]
    false
}
