//! Waiting longer after each failure, and not in step with everybody else.

use std::future::Future;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use tokio::time::{Instant, sleep_until};

/// Delays that double from `first` up to `most`, each drawn from its upper half so that clients which failed
/// together do not come back together.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    failures: u32,
    jitter: Xoshiro256PlusPlus,
}

impl Backoff {
    /// From `first` to `most`, with jitter of its own.
    #[must_use]
    pub fn new(first: Duration, most: Duration) -> Self {
        Self::seeded(first, most, ambient::random())
    }

    /// The same delays for the same seed.
    #[must_use]
    pub fn seeded(first: Duration, most: Duration, seed: u64) -> Self {
        Self {
            first,
            most,
            failures: 0,
            jitter: Xoshiro256PlusPlus::seed_from_u64(seed),
        }
    }

    /// How long to wait after one more failure.
    pub fn next_delay(&mut self) -> Duration {
        let doubled = self
            .first
            .saturating_mul(2_u32.saturating_pow(self.failures));
        self.failures = self.failures.saturating_add(1);
        doubled
            .min(self.most)
            .mul_f64(self.jitter.random_range(0.5..=1.0))
    }

    /// After a success: the next failure waits `first` again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Waits [`Backoff::next_delay`].
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.next_delay()).await;
    }
}

/// Tries until it succeeds, fails for good, or `deadline` would pass before the next attempt; then the last
/// error is the answer. Attempts are not cut short: give them a time limit of their own.
pub async fn retry_until<T, E, F>(
    deadline: Instant,
    mut backoff: Backoff,
    may_retry: impl Fn(&E) -> bool,
    mut attempt: impl FnMut() -> F,
) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    loop {
        let error = match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let next = Instant::now() + backoff.next_delay();
        if !may_retry(&error) || next > deadline {
            return Err(error);
        }
        sleep_until(next).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(10);
    const MOST: Duration = Duration::from_millis(400);

    #[test]
    fn delays_double_within_their_jitter_up_to_the_most() {
        let mut backoff = Backoff::seeded(FIRST, MOST, 7);
        for full in [10, 20, 40, 80, 160, 320, 400, 400] {
            let delay = backoff.next_delay();
            let full = Duration::from_millis(full);
            assert!(delay >= full / 2 && delay <= full, "{delay:?} of {full:?}");
        }
        assert!((0..100).all(|_| backoff.next_delay() <= MOST));
        backoff.reset();
        assert!(backoff.next_delay() <= FIRST);
    }

    #[test]
    fn the_same_seed_gives_the_same_delays() {
        let delays = |seed| {
            let mut backoff = Backoff::seeded(FIRST, MOST, seed);
            (0..8).map(|_| backoff.next_delay()).collect::<Vec<_>>()
        };
        assert_eq!(delays(1), delays(1));
        assert_ne!(delays(1), delays(2));
    }

    #[derive(Debug, PartialEq)]
    enum Failure {
        Passing(u32),
        Final,
    }

    async fn attempts(
        deadline: Duration,
        outcome: impl Fn(u32) -> Result<u32, Failure>,
    ) -> Result<u32, Failure> {
        let mut count = 0;
        let quick = Backoff::seeded(Duration::from_micros(10), Duration::from_micros(50), 1);
        let may_retry = |failure: &Failure| *failure != Failure::Final;
        retry_until(Instant::now() + deadline, quick, may_retry, || {
            count += 1;
            std::future::ready(outcome(count))
        })
        .await
    }

    #[tokio::test]
    async fn what_fails_for_a_while_succeeds_in_the_end() {
        let third = |n| {
            if n == 3 {
                Ok(n)
            } else {
                Err(Failure::Passing(n))
            }
        };
        assert_eq!(attempts(Duration::from_secs(60), third).await, Ok(3));
    }

    #[tokio::test]
    async fn a_final_failure_is_not_tried_again() {
        assert_eq!(
            attempts(Duration::from_secs(60), |_| Err(Failure::Final)).await,
            Err(Failure::Final)
        );
    }

    #[tokio::test]
    async fn a_passed_deadline_allows_one_attempt() {
        assert_eq!(
            attempts(Duration::ZERO, |n| Err(Failure::Passing(n))).await,
            Err(Failure::Passing(1))
        );
    }
}
