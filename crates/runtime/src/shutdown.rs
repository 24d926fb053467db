//! Stopping in order: one token says that it is time, everybody finishes, a grace period bounds the wait.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Tells when to stop, and knows the tasks that have to finish first. Clones are the same shutdown; a
/// [child](Shutdown::child) begins with its parent or on its own.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    token: CancellationToken,
    tasks: TaskTracker,
}

/// The grace period passed before everything had finished; what is left is abandoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not finished {0:?} after the shutdown began")]
pub struct GraceElapsed(pub Duration);

impl Shutdown {
    /// One that begins when [`Shutdown::begin`] is called: for tests, and for stopping a part.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One that begins with the first SIGINT or SIGTERM of the process. A second signal ends the process at once,
    /// with 128 plus its number as the shell has it.
    pub fn on_signals() -> std::io::Result<Self> {
        let shutdown = Self::new();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let token = shutdown.token.clone();
        tokio::spawn(async move {
            let mut next = async || {
                tokio::select! {
                    _ = interrupt.recv() => ("SIGINT", SignalKind::interrupt()),
                    _ = terminate.recv() => ("SIGTERM", SignalKind::terminate()),
                }
            };
            let (name, _) = next().await;
            tracing::info!(signal = name, "stopping; a second signal ends at once");
            token.cancel();
            let (name, kind) = next().await;
            tracing::warn!(signal = name, "ending at once");
            std::process::exit(128 + kind.as_raw_value());
        });
        Ok(shutdown)
    }

    /// Begins with this one or on its own, with tasks of its own.
    #[must_use]
    pub fn child(&self) -> Self {
        Self {
            token: self.token.child_token(),
            tasks: TaskTracker::new(),
        }
    }

    /// It is time to stop.
    pub fn begin(&self) {
        self.token.cancel();
    }

    /// Whether it has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Waits until it begins.
    pub async fn cancelled(&self) {
        self.token.cancelled().await;
    }

    /// For code that wants tokio-util's own type.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Runs `work` unless the shutdown begins first; `work` is dropped then and the answer is `None`.
    pub async fn unless_begun<F: Future>(&self, work: F) -> Option<F::Output> {
        self.token.run_until_cancelled(work).await
    }

    /// Spawns a task that [`Shutdown::finish`] waits for. It is not cancelled: it watches [`Shutdown::cancelled`].
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tasks.spawn(task)
    }

    /// Begins the shutdown and waits for the spawned tasks, at most for `grace`.
    pub async fn finish(&self, grace: Duration) -> Result<(), GraceElapsed> {
        self.begin();
        self.tasks.close();
        tokio::time::timeout(grace, self.tasks.wait())
            .await
            .map_err(|_| GraceElapsed(grace))
    }

    /// Runs `work` as long as it likes before the shutdown, and for `grace` once it has begun.
    pub async fn drain<F: Future>(
        &self,
        grace: Duration,
        work: F,
    ) -> Result<F::Output, GraceElapsed> {
        let too_late = async {
            self.cancelled().await;
            tokio::time::sleep(grace).await;
        };
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = too_late => Err(GraceElapsed(grace)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn a_child_begins_with_its_parent_and_not_the_other_way_round() {
        let parent = Shutdown::new();
        let (one, other) = (parent.child(), parent.child());
        one.begin();
        assert!(one.has_begun() && !parent.has_begun() && !other.has_begun());
        parent.begin();
        other.cancelled().await;
        assert_eq!(other.unless_begun(pending::<()>()).await, None);
    }

    #[tokio::test]
    async fn finishing_waits_for_the_tasks() {
        let shutdown = Shutdown::new();
        let own = shutdown.clone();
        let task = shutdown.spawn(async move { own.cancelled().await });
        assert_eq!(shutdown.finish(LONG).await, Ok(()));
        assert!(task.is_finished());
    }

    #[tokio::test]
    async fn a_task_that_hangs_is_left_behind() {
        let shutdown = Shutdown::new();
        shutdown.spawn(pending::<()>());
        assert_eq!(shutdown.finish(SHORT).await, Err(GraceElapsed(SHORT)));
    }

    #[tokio::test]
    async fn the_grace_period_counts_from_the_beginning_of_the_shutdown() {
        let shutdown = Shutdown::new();
        assert_eq!(shutdown.drain(Duration::ZERO, ready(5)).await, Ok(5));
        shutdown.begin();
        assert_eq!(
            shutdown.drain(SHORT, pending::<()>()).await,
            Err(GraceElapsed(SHORT))
        );
    }
}
