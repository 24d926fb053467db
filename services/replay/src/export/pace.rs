//! Not faster than the players can bear.

use std::time::Duration;

use tokio::time::Instant;

/// What was not used of the rate for this long is forgotten: no burst makes up for a pause.
const MEMORY: Duration = Duration::from_millis(20);
/// The most messages at once, when there is no rate.
const MOST: usize = 512;

/// Spreads reading over time.
pub(super) struct Pace {
    /// Messages a second.
    rate: Option<u64>,
    /// When the next message is due.
    due: Instant,
}

impl Pace {
    pub(super) fn new(rate: Option<u64>) -> Self {
        Self {
            rate,
            due: Instant::now(),
        }
    }

    /// The most messages to be read at once: a hundredth of a second's.
    pub(super) fn most(&self) -> usize {
        self.rate.map_or(MOST, |rate| {
            usize::try_from(rate / 100).map_or(MOST, |most| most.clamp(1, MOST))
        })
    }

    /// `messages` have been read: waits until the next may be.
    pub(super) async fn spend(&mut self, messages: usize) {
        let Some(rate) = self.rate else { return };
        let now = Instant::now();
        let earliest = now.checked_sub(MEMORY).unwrap_or(now);
        let micros = (messages as u64).saturating_mul(1_000_000) / rate.max(1);
        self.due = self.due.max(earliest) + Duration::from_micros(micros);
        if self.due > now {
            tokio::time::sleep_until(self.due).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_takes_as_long_as_the_rate_says_and_no_burst_follows_a_pause() {
        let begun = Instant::now();
        let mut pace = Pace::new(Some(1000));
        assert_eq!(pace.most(), 10);
        for _ in 0..100 {
            pace.spend(10).await;
        }
        let took = begun.elapsed();
        assert!(
            took >= Duration::from_millis(979) && took <= Duration::from_millis(1020),
            "{took:?}"
        );
        tokio::time::sleep(Duration::from_secs(60)).await;
        let begun = Instant::now();
        for _ in 0..100 {
            pace.spend(10).await;
        }
        assert!(begun.elapsed() >= Duration::from_millis(970));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_nobody_waits() {
        let begun = Instant::now();
        Pace::new(None).spend(1_000_000).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
