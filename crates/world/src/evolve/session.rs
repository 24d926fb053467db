//! A newer session took a character over.

use schemas::{EdgeId, Handle, SessionFence, Tick};

use crate::state::AreaState;

pub(super) fn taken(
    state: &mut AreaState,
    tick: Tick,
    handle: Handle,
    session: SessionFence,
    edge: EdgeId,
    resumed: bool,
) {
    let Some(body) = state.slots.get_mut(handle) else {
        return;
    };
    body.session = session;
    body.edge = edge;
    body.heard = tick;
    body.link_lost = None;
    if !resumed {
        body.controller.last_seq = 0;
        body.rejections.clear();
    }
}
