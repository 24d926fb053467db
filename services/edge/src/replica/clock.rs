//! An area's step by this edge's clock, between two frames.

use std::sync::{Mutex, MutexGuard, PoisonError};

use schemas::Step;
use schemas::ids::STEP_MILLIS;
use tokio::time::Instant;

/// A clock frame comes every second; the area has stopped when none does.
const FARTHEST_STEPS: u64 = 60;
/// Hundredths: as fast as the world goes.
pub(super) const REAL_TIME: u32 = 100;

/// Where an area's clock stood, and when that was.
#[derive(Debug, Default)]
pub(crate) struct Clock(Mutex<Option<Stand>>);

#[derive(Debug, Clone, Copy)]
struct Stand {
    step: Step,
    at: Instant,
    /// Hundredths of real time; 0: it stands still.
    speed: u32,
}

impl Clock {
    /// A frame says that `step` has been executed.
    pub(crate) fn set(&self, step: Step) {
        self.run(step, REAL_TIME);
    }

    /// Of a recorded world: from `step` on it goes at `speed` hundredths of real time.
    pub(super) fn run(&self, step: Step, speed: u32) {
        let at = Instant::now();
        *self.lock() = Some(Stand { step, at, speed });
    }

    /// The step that is being executed now, as far as can be told; 0 before the first frame.
    pub(crate) fn now(&self) -> Step {
        let Some(Stand { step, at, speed }) = *self.lock() else {
            return Step(0);
        };
        let elapsed = u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
        let executed = elapsed.saturating_mul(u64::from(speed)) / u64::from(REAL_TIME);
        Step(step.0 + (executed / STEP_MILLIS).min(FARTHEST_STEPS))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Stand>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_clock_goes_as_fast_as_its_world_and_not_far_beyond_the_last_frame() {
        let clock = Clock::default();
        clock.set(Step(100));
        tokio::time::advance(Duration::from_millis(200)).await;
        assert_eq!(clock.now(), Step(110));
        clock.run(Step(100), 250);
        tokio::time::advance(Duration::from_millis(200)).await;
        assert_eq!(clock.now(), Step(125));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(clock.now(), Step(160), "nobody knows what comes then");
        clock.run(Step(100), 0);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(clock.now(), Step(100), "it stands still");
    }
}
