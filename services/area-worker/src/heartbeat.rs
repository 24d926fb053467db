//! This worker's heartbeat: a task of its own, so that nothing silences it but a dead process, or a log that it cannot write
//! to.

use std::sync::Arc;
use std::time::Duration;

use eventlog::membership;
use schemas::control::Heartbeat;
use tokio::time::{MissedTickBehavior, interval};

use crate::shared::Shared;

/// A frame that is undecided for so long makes the worker fall silent: others may own its areas.
const STUCK: Duration = Duration::from_secs(1);
/// Between two heartbeats.
const EVERY: Duration = Duration::from_millis(100);

/// Beats until it is dropped.
pub(crate) async fn beat(shared: Arc<Shared>) {
    let mut interval = interval(EVERY);
    interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        interval.tick().await;
        if shared.appends.oldest() >= STUCK {
            continue;
        }
        let beat = Heartbeat {
            worker: shared.me.clone(),
            life: shared.life,
            late_ms: u32::try_from(shared.ticks.lateness().as_millis()).unwrap_or(u32::MAX),
        };
        if let Err(error) = membership::heartbeat(&shared.log, &beat).await {
            tracing::debug!(%error, "a heartbeat was not sent");
        }
    }
}
