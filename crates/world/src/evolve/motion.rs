//! Bodies that move differently from now on.

use schemas::Tick;
use schemas::motion::{Motion, MotionError};
use schemas::segment::Moved;

use crate::state::AreaState;

/// Applies a frame's packed motion.
pub(super) fn packed(
    state: &mut AreaState,
    tick: Tick,
    motion: &Motion,
) -> Result<(), MotionError> {
    if motion.0.is_empty() {
        return Ok(());
    }
    let slots = &state.slots;
    let all = motion.unpack(tick.first_step(), |handle| {
        slots
            .get(handle)
            .map(|body| (&body.segment, &body.controller))
    })?;
    for one in &all {
        moved(state, one);
    }
    Ok(())
}

/// Applies one record. The last client sequence is not motion; outcomes tell it.
pub(crate) fn moved(state: &mut AreaState, moved: &Moved) {
    if let Some(body) = state.slots.get_mut(moved.handle) {
        body.set_motion(moved.segment, moved.controller);
    }
}
