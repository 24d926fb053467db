//! A session fell silent, or is heard again. That its keys are let go is told by the motion.

use schemas::{Handle, Tick};

use crate::state::AreaState;

pub(super) fn lost(state: &mut AreaState, tick: Tick, handle: Handle) {
    if let Some(body) = state.slots.get_mut(handle) {
        body.link_lost = Some(tick);
    }
}

pub(super) fn restored(state: &mut AreaState, handle: Handle) {
    if let Some(body) = state.slots.get_mut(handle) {
        body.link_lost = None;
    }
}
