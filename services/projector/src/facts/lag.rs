//! How far `FACTS` is behind the event streams, where operators see the other projections too.

use std::time::Duration;

use eventlog::EventLog;
use metrics::gauge;
use runtime::metric_definitions as names;
use schemas::{Sequence, UnixMillis};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// Its name among the projections.
pub(super) const NAME: &str = "facts";
/// How often to look.
const PERIOD: Duration = Duration::from_secs(2);

/// How far one source has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) stream: &'static str,
    /// The last message all of whose events are told.
    pub(super) told: Sequence,
}

/// Measures for ever.
pub(super) async fn watch(log: EventLog, progress: watch::Receiver<Vec<Progress>>) {
    let mut period = tokio::time::interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        period.tick().await;
        let (mut messages, mut oldest) = (0, 0);
        // Where we stand first and the heads after it: never a head behind us by mistake.
        let sources = progress.borrow().clone();
        for Progress { stream, told } in sources {
            let Ok(info) = log.stream_info(stream).await else {
                continue;
            };
            let behind = info.last.0.saturating_sub(told.0);
            messages += behind;
            if behind > 0
                && let Ok(Some(next)) = log.get(stream, told.next()).await
            {
                let age = UnixMillis::now().0.saturating_sub(next.stored_at.0);
                oldest = oldest.max(age);
            }
        }
        gauge!(names::PROJECTOR_LAG_MESSAGES, "projection" => NAME).set(messages as f64);
        gauge!(names::PROJECTOR_LAG_SECONDS, "projection" => NAME).set(oldest as f64 / 1000.0);
    }
}
