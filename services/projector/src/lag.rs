//! How far a projection is behind, measured against its own stream's head.

use std::time::Duration;

use eventlog::EventLog;
use metrics::gauge;
use runtime::metric_definitions as names;
use schemas::UnixMillis;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::checkpoint::Checkpoint;
use crate::error::ProjectError;
use crate::position;

/// How often to look.
const PERIOD: Duration = Duration::from_secs(2);

/// Measures for ever; ends when the stream turns out to be another one under our feet.
pub(crate) async fn watch(
    log: EventLog,
    projection: &'static str,
    stream: &'static str,
    mut progress: watch::Receiver<Option<Checkpoint>>,
) -> ProjectError {
    let mut period = tokio::time::interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        period.tick().await;
        let Ok(known) = progress.wait_for(Option::is_some).await.map(|at| *at) else {
            // The projection has ended, and this future is about to be dropped.
            return std::future::pending().await;
        };
        let Some(at) = known else { continue };
        // The head first and the checkpoint before it: never a head behind a checkpoint by mistake.
        let Ok(info) = log.stream_info(stream).await else {
            continue;
        };
        if let Err(wrong) = position::compare(projection, stream, &at, &info) {
            return wrong;
        }
        let behind = info.last.0.saturating_sub(at.position.sequence.0);
        let age = match behind {
            0 => 0,
            _ => age_of_next(&log, stream, &at).await,
        };
        gauge!(names::PROJECTOR_LAG_MESSAGES, "projection" => projection).set(behind as f64);
        gauge!(names::PROJECTOR_LAG_SECONDS, "projection" => projection).set(age as f64 / 1000.0);
    }
}

/// Milliseconds since the first event that is not folded yet was stored.
async fn age_of_next(log: &EventLog, stream: &str, at: &Checkpoint) -> u64 {
    match log.get(stream, at.position.sequence.next()).await {
        Ok(Some(record)) => UnixMillis::now().0.saturating_sub(record.stored_at.0),
        Ok(None) | Err(_) => 0,
    }
}
