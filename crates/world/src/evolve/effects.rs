//! Effects that this area sends: pending from their frame until they are confirmed.

use std::sync::Arc;

use schemas::effect::Effect;
use schemas::subjects::AggregateId;

use crate::state::{AreaState, pending_hash, sent_hash};

/// An effect stands in the frame: it is pending from now on.
pub(crate) fn effect(state: &mut AreaState, effect: &Effect) {
    let target = &effect.target;
    if let Some(last) = state.mail.sent.get(target) {
        state.tables = state.tables.wrapping_sub(sent_hash(target, *last));
    }
    state.tables = state
        .tables
        .wrapping_add(sent_hash(target, effect.number))
        .wrapping_add(pending_hash(effect));
    state.mail.sent.insert(target.clone(), effect.number);
    let replaced = Arc::make_mut(&mut state.mail.pending)
        .insert((target.clone(), effect.number), effect.clone());
    if let Some(replaced) = replaced {
        state.tables = state.tables.wrapping_sub(pending_hash(&replaced));
    }
}

/// `target` has taken the effects up to `up_to`.
pub(crate) fn confirmed(state: &mut AreaState, target: &AggregateId, up_to: u64) {
    let taken: Vec<_> = state
        .mail
        .pending
        .range((target.clone(), 0)..=(target.clone(), up_to))
        .map(|(key, effect)| (key.clone(), pending_hash(effect)))
        .collect();
    for (key, hash) in taken {
        state.tables = state.tables.wrapping_sub(hash);
        Arc::make_mut(&mut state.mail.pending).remove(&key);
    }
}
