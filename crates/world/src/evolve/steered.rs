//! The area treats those who come differently from now on.

use schemas::AreaId;

use crate::state::{AreaState, Steering};

pub(super) fn steered(state: &mut AreaState, closed: bool, overflow: Option<&AreaId>, soft: u32) {
    state.steer(Steering {
        closed,
        overflow: overflow.cloned(),
        soft,
    });
}
