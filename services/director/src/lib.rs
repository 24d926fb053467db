//! The director: which areas are open, and which worker shall own each of them.
//!
//! It compares what should be with what is and writes the difference, so it takes no state with it
//! when it dies and may run twice: [`plan`](plan::plan) is a pure function, [`fleet`] judges who is
//! there, [`lease`] decides which of several directors writes, [`opened`] knows and opens the areas,
//! and the reconciler brings them together. While none runs, everything that runs goes on.

mod config;
pub mod fleet;
pub mod lease;
pub mod opened;
pub mod plan;
mod reconciler;
mod sources;

pub use config::Config;

use anyhow::Context;
use eventlog::EventLog;
use runtime::Ctx;

use crate::reconciler::Reconciler;
use crate::sources::Sources;

/// Runs a director until the shutdown begins.
///
/// # Errors
/// When the broker refuses what it needs: a missing stream or bucket, or a right.
pub async fn run(config: Config, log: EventLog, ctx: Ctx) -> anyhow::Result<()> {
    let health = ctx.health.check("director");
    let mut sources = Sources::open(&log).await.context("listening")?;
    let mut reconciler = Reconciler::open(config, &log)
        .await
        .context("reading what is placed and open")?;
    health.ready();
    while let Some(event) = ctx.shutdown.unless_begun(sources.next()).await {
        reconciler.on(event?).await?;
    }
    reconciler.resign().await;
    Ok(())
}
