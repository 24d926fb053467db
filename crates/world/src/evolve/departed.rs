//! A character left the area.

use std::sync::Arc;

use schemas::fact::{DepartureReason, Destination};
use schemas::{CharacterId, Handle, Tick};

use crate::state::{AreaState, Gone, gone_hash};

pub(super) fn departed(
    state: &mut AreaState,
    tick: Tick,
    handle: Handle,
    character: CharacterId,
    (to, reason): (&Destination, DepartureReason),
) {
    let left = state.slots.remove(handle);
    if state.by_character.get(&character) == Some(&handle) {
        Arc::make_mut(&mut state.by_character).remove(&character);
    }
    forget_gone(state, character);
    if let Destination::Area { area, .. } = to {
        let party = left.filter(|body| body.party.0 != 0 && reason == DepartureReason::Overflow);
        if let Some(body) = party {
            state.remember_party(body.party, area, tick);
        }
        let gone = Gone {
            to: area.clone(),
            at: tick,
        };
        state.tables = state.tables.wrapping_add(gone_hash(character, &gone));
        Arc::make_mut(&mut state.gone).insert(character, gone);
    }
}

/// Takes `character` out of the table of those who went through a door.
pub(super) fn forget_gone(state: &mut AreaState, character: CharacterId) {
    if state.gone.contains_key(&character)
        && let Some(gone) = Arc::make_mut(&mut state.gone).remove(&character)
    {
        state.tables = state.tables.wrapping_sub(gone_hash(character, &gone));
    }
}
