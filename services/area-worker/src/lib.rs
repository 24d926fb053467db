//! The area worker: owns areas, decides their commands in ticks of 40 ms, appends what happened.
//!
//! | part | what it does |
//! |---|---|
//! | [`supervisor`](self) | follows the placements; starts, ends and wakes areas; announces itself |
//! | `area` | the life of one area: stand by, restore, fence, run, sleep, release |
//! | `area::run_loop` | the tick: drain, decide, hand over, and what follows an acknowledgement |
//! | `ticks` | the threads on which ticks run, and nothing else |
//!
//! The rules are `world`'s, the broker is `eventlog`'s; this crate introduces them to each other.

mod announcer;
mod appends;
mod area;
mod broker_time;
mod config;
mod crash_points;
mod duty;
mod heartbeat;
mod peers;
mod ready;
mod replicas;
mod shared;
mod sources;
mod streams;
mod supervisor;
mod ticks;

pub use config::Config;

use std::sync::Arc;

use anyhow::Context;
use eventlog::EventLog;
use runtime::Ctx;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::shared::Shared;
use crate::sources::Sources;
use crate::supervisor::Supervisor;

/// Runs a worker until the shutdown begins or an operator orders it to drain, and then until every
/// area has been handed over or let go.
///
/// # Errors
/// When the broker refuses what it needs: a missing stream or bucket, or a right.
pub async fn run(config: Config, log: EventLog, ctx: Ctx) -> anyhow::Result<()> {
    let health = ctx.health.check("worker");
    let mut sources = Sources::open(&log).await.context("listening")?;
    let shared = Arc::new(Shared::new(config, log).context("starting the tick threads")?);
    tracing::info!(worker = %shared.me, "worker started");
    // These end with this function, however that ends.
    let (mut aside, drain) = (JoinSet::new(), CancellationToken::new());
    aside.spawn(ambient::here(heartbeat::beat(Arc::clone(&shared))));
    aside.spawn(ambient::here(streams::keep_fresh(Arc::clone(&shared))));
    aside.spawn(ambient::here(duty::follow(
        Arc::clone(&shared),
        drain.clone(),
    )));
    let mut supervisor = Supervisor::new(shared);
    health.ready();
    loop {
        let event = drain.run_until_cancelled(supervisor.next(&mut sources));
        match ctx.shutdown.unless_begun(event).await.flatten() {
            Some(event) => supervisor.on(event?)?,
            None => break,
        }
    }
    // An operator's order ends the process as a signal does.
    ctx.shutdown.begin();
    supervisor.drain(&mut sources).await;
    aside.shutdown().await;
    Ok(())
}
