//! A character came into the area.

use std::sync::Arc;

use schemas::effect::Traveller;
use schemas::segment::{Controller, Segment};
use schemas::subjects::AggregateId;
use schemas::{Handle, Tick};

use super::departed::forget_gone;
use crate::body::Body;
use crate::state::AreaState;

pub(super) fn arrived(
    state: &mut AreaState,
    tick: Tick,
    handle: Handle,
    traveller: &Traveller,
    from: &AggregateId,
    (segment, controller): (&Segment, &Controller),
) {
    if let Some(replaced) = state.slots.remove(handle) {
        Arc::make_mut(&mut state.by_character).remove(&replaced.character);
    }
    if let Some(elsewhere) = state.by_character.get(&traveller.character) {
        state.slots.remove(*elsewhere);
    }
    state.slots.insert(Body {
        handle,
        character: traveller.character,
        account: traveller.account,
        name: Arc::new(traveller.name.clone()),
        session: traveller.session,
        edge: traveller.edge,
        rejections: traveller.rejections.clone(),
        segment: *segment,
        controller: Controller {
            last_seq: traveller.last_seq,
            ..*controller
        },
        history: Vec::new(),
        heard: tick,
        link_lost: None,
        party: traveller.party,
    });
    Arc::make_mut(&mut state.by_character).insert(traveller.character, handle);
    forget_gone(state, traveller.character);
    // An instance that sends one of a party away does not hold the rest of it together.
    let party = traveller.party_id();
    let turned_away = |to| *from == AggregateId::Area(to);
    if state
        .party_away(party, tick)
        .cloned()
        .is_some_and(turned_away)
    {
        state.forget_party(party);
    }
}
