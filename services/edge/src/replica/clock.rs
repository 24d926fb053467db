//! An area's step by this edge's clock, between two frames.

use std::sync::{Mutex, MutexGuard, PoisonError};

use schemas::Step;
use schemas::ids::STEP_MILLIS;
use tokio::time::Instant;

/// A clock frame comes every second; the area has stopped when none does.
const FARTHEST_STEPS: u64 = 60;

/// Where an area's clock stood, and when that was.
#[derive(Debug, Default)]
pub(crate) struct Clock(Mutex<Option<(Step, Instant)>>);

impl Clock {
    /// A frame says that `step` has been executed.
    pub(crate) fn set(&self, step: Step) {
        *self.lock() = Some((step, Instant::now()));
    }

    /// The step that is being executed now, as far as can be told; 0 before the first frame.
    pub(crate) fn now(&self) -> Step {
        let Some((step, at)) = *self.lock() else {
            return Step(0);
        };
        let elapsed = u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
        Step(step.0 + (elapsed / STEP_MILLIS).min(FARTHEST_STEPS))
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Step, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
