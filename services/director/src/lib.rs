//! The director: which areas are open, and which worker shall own each of them.
//!
//! It compares what should be with what is and writes the difference, so it takes no state with it
//! when it dies and may run twice: [`plan`](plan::plan) is a pure function, [`fleet`] judges who is
//! there, [`lease`] decides which of several directors writes, [`opened`] and [`control`] know and
//! open the areas, and the reconciler brings them together. While none runs, everything that runs goes on.

mod config;
pub mod control;
pub mod fleet;
pub mod lease;
pub mod opened;
pub mod plan;
mod reconciler;
mod sources;

pub use config::Config;

use std::sync::Arc;

use anyhow::Context;
use eventlog::EventLog;
use eventlog::keyed::Keyed;
use runtime::Ctx;

use crate::control::Areas;
use crate::reconciler::Reconciler;
use crate::sources::Sources;

/// Runs a director until the shutdown begins.
///
/// # Errors
/// When the broker refuses what it needs: a missing stream or bucket, or a right.
pub async fn run(config: Config, log: EventLog, ctx: Ctx) -> anyhow::Result<()> {
    let health = ctx.health.check("director");
    let areas = Arc::new(Areas {
        maps: config.maps.clone(),
    });
    let control = Keyed::open(log.clone(), areas).await;
    let control = control.context("serving the control domain")?;
    let mut sources = Sources::open(&log).await.context("listening")?;
    let mut reconciler = Reconciler::open(config, &log)
        .await
        .context("reading what is placed and open")?;
    let serving = control.serve(ctx.shutdown.token());
    tokio::pin!(serving);
    health.ready();
    loop {
        tokio::select! {
            biased;
            served = &mut serving => {
                reconciler.resign().await;
                return served.context("serving the control domain");
            }
            event = sources.next() => reconciler.on(event?).await,
        }
    }
}
