//! Not too fast: catching up shall disturb nobody who plays.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// So many messages a second over any stretch longer than a quarter of one.
pub(super) struct Pace {
    each: Duration,
    free_at: Instant,
}

/// What may be written at once after a rest.
const AT_ONCE: Duration = Duration::from_millis(250);

impl Pace {
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            each: Duration::from_secs(1) / per_second.max(1),
            free_at: Instant::now(),
        }
    }

    /// Waits until `count` more may go.
    pub(super) async fn wait(&mut self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let rested = Instant::now().checked_sub(AT_ONCE);
        self.free_at = rested.map_or(self.free_at, |rested| self.free_at.max(rested));
        sleep_until(self.free_at).await;
        self.free_at += self.each.saturating_mul(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn messages_take_their_time_and_a_rest_is_saved_up_for_a_moment() {
        let mut pace = Pace::new(100);
        let begun = Instant::now();
        for _ in 0..20 {
            pace.wait(10).await;
        }
        // The last batch goes when those before it have had their time.
        assert_eq!(begun.elapsed(), Duration::from_millis(1900));
        tokio::time::sleep(Duration::from_secs(60)).await;
        let rested = Instant::now();
        for _ in 0..3 {
            pace.wait(10).await;
        }
        assert!(rested.elapsed() <= Duration::ZERO, "{:?}", rested.elapsed());
    }
}
