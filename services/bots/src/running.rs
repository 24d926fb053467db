//! A run that goes on beside its caller: for tests that do something to a stack meanwhile.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use anyhow::Context;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::args::Args;
use crate::own_body::LastSeen;
use crate::report::Report;
use crate::run::{Phase, Run, prepare, through_all_phases};

/// Bots at play. Dropped, they are gone without a goodbye.
pub struct Running {
    run: Arc<Run>,
    phase: watch::Receiver<Phase>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Report>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts a run; it ends after its time, or with [`Running::finish`].
///
/// # Errors
/// When the arguments make no sense.
pub fn start(args: Args) -> anyhow::Result<Running> {
    let run = prepare(args)?;
    let (set_phase, phase) = watch::channel(Phase::Joining);
    let (stop, stopped) = oneshot::channel();
    let shared = run.clone();
    let task = tokio::spawn(async move {
        // A dropped sender is a stop as well.
        let stopped = async { drop(stopped.await) };
        through_all_phases(&shared, &set_phase, stopped).await
    });
    Ok(Running {
        run,
        phase,
        stop: Some(stop),
        task,
    })
}

impl Running {
    /// Waits until all have joined, or failed to, and play.
    pub async fn playing(&mut self) {
        let begun = self.phase.wait_for(|phase| *phase != Phase::Joining).await;
        tracing::trace!(begun = begun.is_ok(), "the bots play");
    }

    /// How many commands have had their outcome so far.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.run.tally.answered.load(Relaxed)
    }

    /// What each bot was last shown of itself up to now, those that never joined left out.
    #[must_use]
    pub fn last_seen(&self) -> Vec<LastSeen> {
        self.run.last_seen()
    }

    /// How many area changes the bots have seen so far.
    #[must_use]
    pub fn area_changes(&self) -> u64 {
        self.run.tally.area_changes.load(Relaxed)
    }

    /// Ends the play and lets the bots leave; how they were served.
    ///
    /// # Errors
    /// When the run itself broke.
    pub async fn finish(mut self) -> anyhow::Result<Report> {
        if let Some(stop) = self.stop.take()
            && stop.send(()).is_err()
        {
            tracing::trace!("the run had ended by itself");
        }
        (&mut self.task).await.context("the bots' run")
    }
}
