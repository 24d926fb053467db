//! What became of commands: how far each body's and each source's numbering has come.

use schemas::outcome::{EffectOutcome, EffectVerdict, Outcomes, Reason, Rejected};
use schemas::{ClientSeq, Handle, Tick};

use crate::rules::REMEMBERED_REJECTIONS;
use crate::state::{AreaState, Received, received_hash};

pub(super) fn outcomes(state: &mut AreaState, tick: Tick, outcomes: &Outcomes) {
    for (handle, seq) in outcomes.accepted() {
        accepted(state, tick, handle, seq);
    }
    for refused in &outcomes.rejected {
        rejected(state, refused);
    }
    for outcome in &outcomes.effects {
        effect_outcome(state, tick, outcome);
    }
    for handle in &outcomes.heard {
        heard(state, tick, *handle);
    }
}

/// All of that body's commands up to `seq` have had their outcome; its session was heard.
pub(crate) fn accepted(state: &mut AreaState, tick: Tick, handle: Handle, seq: ClientSeq) {
    if let Some(body) = state.slots.get_mut(handle) {
        body.controller.last_seq = body.controller.last_seq.max(seq);
        body.heard = tick;
    }
}

/// A body's session was heard.
pub(crate) fn heard(state: &mut AreaState, tick: Tick, handle: Handle) {
    if let Some(body) = state.slots.get_mut(handle) {
        body.heard = tick;
    }
}

/// Whether a refusal belongs to the body's own numbering, and is the answer to a repetition.
const fn is_remembered(reason: Reason) -> bool {
    !matches!(
        reason,
        Reason::NotHere | Reason::StaleSession | Reason::OutOfOrder | Reason::Undecodable
    )
}

/// A command was refused; the body remembers it to answer a repetition alike.
pub(crate) fn rejected(state: &mut AreaState, refused: &Rejected) {
    if !is_remembered(refused.reason) {
        return;
    }
    let Some(handle) = state.by_character.get(&refused.character).copied() else {
        return;
    };
    let known = state
        .body(handle)
        .is_none_or(|body| body.rejections.iter().any(|(seq, _)| *seq == refused.seq));
    if known {
        return;
    }
    if let Some(body) = state.slots.get_mut(handle) {
        if body.rejections.len() >= REMEMBERED_REJECTIONS {
            body.rejections.remove(0);
        }
        body.rejections.push((refused.seq, refused.reason));
    }
}

/// An effect was applied or heard again.
pub(crate) fn effect_outcome(state: &mut AreaState, tick: Tick, outcome: &EffectOutcome) {
    let source = &outcome.source;
    let before = state.mail.received.get(source).copied();
    let now = match (outcome.verdict, before) {
        (EffectVerdict::Applied, _) => Received {
            last: outcome.number,
            at: tick,
        },
        (EffectVerdict::Repeated, Some(received)) => Received {
            at: tick,
            ..received
        },
        _ => return,
    };
    if let Some(before) = before {
        state.tables = state.tables.wrapping_sub(received_hash(source, &before));
    }
    state.tables = state.tables.wrapping_add(received_hash(source, &now));
    state.mail.received.insert(source.clone(), now);
}
