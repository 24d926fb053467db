//! This worker's heartbeat: a task of its own, so that nothing but a dead process silences it.

use std::sync::Arc;
use std::time::Duration;

use eventlog::membership;
use schemas::control::Heartbeat;
use tokio::time::{MissedTickBehavior, interval};

use crate::shared::Shared;

/// Between two heartbeats.
const EVERY: Duration = Duration::from_millis(100);

/// Beats until it is dropped.
pub(crate) async fn beat(shared: Arc<Shared>) {
    let mut interval = interval(EVERY);
    interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        interval.tick().await;
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
