//! This worker's heartbeat: a task of its own, so that nothing silences it but a dead process. What hangs, it says.

use std::sync::Arc;
use std::time::Duration;

use eventlog::membership;
use schemas::control::Heartbeat;
use tokio::time::{MissedTickBehavior, interval};

use crate::shared::Shared;

/// A frame that is undecided for so long hangs: others may own its area, if theirs do not.
const HANGS: Duration = Duration::from_secs(1);
/// Between two heartbeats.
const EVERY: Duration = Duration::from_millis(100);

/// Beats until it is dropped.
pub(crate) async fn beat(shared: Arc<Shared>) {
    let mut interval = interval(EVERY);
    interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        interval.tick().await;
        let beat = now(&shared);
        if let Err(error) = membership::heartbeat(&shared.log, &beat).await {
            tracing::debug!(%error, "a heartbeat was not sent");
        }
    }
}

fn now(shared: &Shared) -> Heartbeat {
    let oldest = shared.appends.oldest();
    Heartbeat {
        worker: shared.me.clone(),
        life: shared.life,
        late_ms: millis(shared.ticks.lateness()),
        stuck_ms: if oldest >= HANGS { millis(oldest) } else { 0 },
        taken_ms: shared.appends.taken().map(millis),
    }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use eventlog::EventLog;

    use super::*;
    use crate::config::Config;
    use crate::ticks::Key;

    #[tokio::test]
    async fn a_heart_beats_on_while_a_frame_hangs_and_says_so() {
        let log = EventLog::in_memory().0;
        let mut heard = membership::heartbeats(&log).await.unwrap();
        let shared = Arc::new(Shared::new(Config::default(), log).unwrap());
        let beating = tokio::spawn(beat(Arc::clone(&shared)));
        let first = heard.next().await.unwrap();
        assert_eq!((first.stuck_ms, first.taken_ms), (0, None));

        let frame = shared.appends.begun(Key::numbered(1));
        let mut stuck = heard.next().await.unwrap();
        while !stuck.is_stuck() {
            stuck = heard.next().await.unwrap();
        }
        assert!(stuck.stuck_ms >= 1000 && stuck.taken_ms.is_none());
        frame.taken();
        let mut well = heard.next().await.unwrap();
        while well.is_stuck() {
            well = heard.next().await.unwrap();
        }
        assert!(well.taken_ms >= Some(1000), "it set out a second ago");
        beating.abort();
    }
}
