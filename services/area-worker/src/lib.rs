//! The area worker: owns areas, decides their commands in ticks of 40 ms, appends what happened.
//!
//! | part | what it does |
//! |---|---|
//! | [`supervisor`](self) | follows the placements; starts, ends and wakes areas; announces itself |
//! | `area` | the life of one area: restore, fence, run, sleep, release |
//! | `area::run_loop` | the tick: drain, decide, hand over, and what follows an acknowledgement |
//! | `ticks` | the threads on which ticks run, and nothing else |
//!
//! The rules are `world`'s, the broker is `eventlog`'s; this crate introduces them to each other.

mod area;
mod config;
mod crash_points;
mod heartbeat;
mod peers;
mod shared;
mod sources;
mod supervisor;
mod ticks;

pub use config::Config;

use std::sync::Arc;

use anyhow::Context;
use eventlog::EventLog;
use runtime::Ctx;
use tokio::task::JoinSet;

use crate::shared::Shared;
use crate::sources::Sources;
use crate::supervisor::Supervisor;

/// Runs a worker until the shutdown begins, and then until every area has been let go.
///
/// # Errors
/// When the broker refuses what it needs: a missing stream or bucket, or a right.
pub async fn run(config: Config, log: EventLog, ctx: Ctx) -> anyhow::Result<()> {
    let health = ctx.health.check("worker");
    let mut sources = Sources::open(&log).await.context("listening")?;
    let shared = Arc::new(Shared::new(config, log).context("starting the tick threads")?);
    tracing::info!(worker = %shared.me, "worker started");
    // Ends with this function, however that ends.
    let mut heartbeat = JoinSet::new();
    heartbeat.spawn(ambient::here(heartbeat::beat(Arc::clone(&shared))));
    let mut supervisor = Supervisor::new(shared);
    health.ready();
    loop {
        let event = supervisor.next(&mut sources);
        match ctx.shutdown.unless_begun(event).await {
            Some(event) => supervisor.on(event?).await?,
            None => break,
        }
    }
    supervisor.drain(&mut sources).await;
    heartbeat.shutdown().await;
    Ok(())
}
