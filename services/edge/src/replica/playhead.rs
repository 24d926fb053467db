//! The playhead: which moment of a recorded world is shown, and how fast that goes on.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use schemas::UnixMillis;
use tokio::time::Instant;

use super::clock::REAL_TIME;

/// What an observer of a recorded world wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Play {
    /// From when; `None`: from where it stands.
    pub(crate) at: Option<UnixMillis>,
    /// How fast, hundredths of the speed at which it was played; 0: it stands still.
    pub(crate) speed: u32,
}

/// Where one replica of a recorded world stands, for those outside its task.
#[derive(Debug, Default)]
pub(crate) struct Playhead(Mutex<Option<Play>>);

impl Playhead {
    pub(super) fn set(&self, play: Play) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(play);
    }

    /// The moment that is shown, and how fast it goes on; `None` of a living world.
    pub(crate) fn get(&self) -> Option<Play> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Time as it goes by in a recorded world.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    at: UnixMillis,
    since: Instant,
    speed: u32,
}

impl Pace {
    pub(super) fn new(at: UnixMillis, speed: u32) -> Self {
        let since = Instant::now();
        Self { at, since, speed }
    }

    /// The moment that is shown now.
    pub(super) fn now(&self) -> UnixMillis {
        let passed = self.since.elapsed().as_micros() * u128::from(self.speed);
        let passed = passed / u128::from(REAL_TIME) / 1000;
        UnixMillis(self.at.0 + u64::try_from(passed).unwrap_or(u64::MAX / 2))
    }

    /// How fast it goes on.
    pub(super) const fn speed(&self) -> u32 {
        self.speed
    }

    /// Goes on from now as fast as that.
    pub(super) fn set_speed(&mut self, speed: u32) {
        *self = Self::new(self.now(), speed);
    }

    /// Goes on from that moment.
    pub(super) fn jump(&mut self, at: UnixMillis) {
        *self = Self::new(at, self.speed);
    }

    /// When `at` is shown; `None`: never, at this speed.
    pub(super) fn when(&self, at: UnixMillis) -> Option<Instant> {
        if self.speed == 0 {
            return None;
        }
        let wait = at.0.saturating_sub(self.at.0).saturating_mul(1000);
        let wait = wait.saturating_mul(u64::from(REAL_TIME)) / u64::from(self.speed);
        // A silence of years is as good as one of a day.
        let wait = Duration::from_micros(wait).min(Duration::from_secs(24 * 3600));
        Some(self.since + wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_goes_as_fast_as_it_is_told_and_stands_still_when_told() {
        let mut pace = Pace::new(UnixMillis(10_000), 400);
        tokio::time::advance(Duration::from_millis(250)).await;
        assert_eq!(pace.now(), UnixMillis(11_000));
        let due = pace.when(UnixMillis(12_000)).expect("it goes on");
        assert_eq!(due - Instant::now(), Duration::from_millis(250));
        pace.set_speed(0);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(pace.now(), UnixMillis(11_000));
        assert_eq!(pace.when(UnixMillis(12_000)), None);
        pace.jump(UnixMillis(500));
        pace.set_speed(10);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(pace.now(), UnixMillis(600));
    }
}
