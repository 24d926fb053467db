//! The director: which areas are open, how many instances a map has, and which worker shall own
//! each area.
//!
//! It compares what should be with what is and writes the difference, so it takes no state with it
//! when it dies and may run twice: [`plan`](plan::plan) and [`instances`] are pure functions,
//! [`fleet`] judges who is there, [`lease`] decides which of several directors writes, [`control`]
//! and [`duties`] are what operators command, and the reconciler brings them together.
//! [`survey`] shows the same from outside. While none runs, everything that runs goes on.

pub mod book;
mod config;
pub mod control;
pub mod duties;
pub mod fleet;
pub mod instances;
pub mod lease;
pub mod opened;
pub mod plan;
mod reconciler;
pub mod scale;
pub mod situation;
mod sources;
pub mod survey;

pub use config::Config;

use std::sync::Arc;

use anyhow::Context;
use eventlog::EventLog;
use eventlog::keyed::Keyed;
use runtime::Ctx;

use crate::control::Areas;
use crate::duties::Duties;
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
    let fleet = Keyed::open(log.clone(), Arc::new(Duties)).await;
    let fleet = fleet.context("serving the fleet domain")?;
    let opened = Reconciler::open(config, &log).await;
    let (mut reconciler, read) = opened.context("reading what is placed and open")?;
    let mut sources = Sources::open(&log, read).await.context("listening")?;
    let (first, second) = (ctx.shutdown.token(), ctx.shutdown.token());
    let serving = async move {
        let control = async {
            control
                .serve(first)
                .await
                .context("serving the control domain")
        };
        let fleet = async {
            fleet
                .serve(second)
                .await
                .context("serving the fleet domain")
        };
        // Either of them ends early only by an error.
        tokio::try_join!(control, fleet).map(|_| ())
    };
    tokio::pin!(serving);
    health.ready();
    loop {
        let due = reconciler.due();
        tokio::select! {
            biased;
            served = &mut serving => {
                reconciler.resign().await;
                return served;
            }
            deed = reconciler.done() => reconciler.did(deed),
            () = tokio::time::sleep_until(due) => reconciler.reconcile(),
            event = sources.next() => reconciler.on(event?),
        }
    }
}
