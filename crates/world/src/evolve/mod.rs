//! Applying what happened. Nothing here can refuse or fail: an event that does not fit is
//! applied as far as it makes sense, and the frame's hash finds it out.
//!
//! Facts come first, then motion, outcomes and effects, then the clock; one file for each kind.

mod arrived;
mod clock;
mod departed;
mod effects;
mod link;
mod motion;
mod outcomes;
mod owned;
mod session;
mod steered;

use schemas::effect::Effect;
use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::ids::CommandPosition;
use schemas::motion::MotionError;
use schemas::{Tick, UnixMillis};

pub(crate) use clock::pass;
pub(crate) use effects::{confirmed, effect};
pub(crate) use motion::moved;
pub(crate) use outcomes::{accepted, effect_outcome, heard, rejected};

use crate::state::AreaState;

/// Whether `frame` is an ownership frame.
pub(crate) fn takes_ownership(frame: &Frame) -> bool {
    claims(&frame.facts)
}

/// Whether these facts open an ownership frame.
pub(crate) fn claims(facts: &[Fact]) -> bool {
    matches!(facts.first(), Some(Fact::Owned { .. }))
}

/// Applies one fact of the frame of `tick`.
pub(crate) fn fact(state: &mut AreaState, tick: Tick, fact: &Fact) {
    match fact {
        Fact::Owned { .. } => owned::owned(state, fact),
        Fact::Hibernated {} => owned::hibernated(state),
        Fact::Released { .. } => owned::released(state),
        Fact::Arrived {
            handle,
            traveller,
            segment,
            controller,
            from,
        } => arrived::arrived(state, tick, *handle, traveller, from, (segment, controller)),
        Fact::Departed {
            handle,
            character,
            to,
            reason,
            ..
        } => departed::departed(state, tick, *handle, *character, (to, *reason)),
        Fact::SessionTaken {
            handle,
            session,
            edge,
            resumed,
            ..
        } => session::taken(state, tick, *handle, *session, *edge, *resumed),
        Fact::LinkLost { handle, .. } => link::lost(state, tick, *handle),
        Fact::LinkRestored { handle, .. } => link::restored(state, *handle),
        Fact::EffectsConfirmed { target, up_to } => confirmed(state, target, *up_to),
        Fact::Steered {
            closed,
            overflow,
            soft,
        } => steered::steered(state, *closed, overflow.as_ref(), *soft),
        // Said and heard: nothing stays behind. What is unknown the hash finds out.
        Fact::Spoken { .. } | Fact::Unknown => {}
    }
}

/// Applies a whole frame; its place in the chain has been checked.
pub(crate) fn frame(state: &mut AreaState, frame: &Frame) -> Result<(), MotionError> {
    // A new owner takes the ticks since the last frame in one step.
    if !takes_ownership(frame) {
        pass(state, frame.tick);
    }
    for event in &frame.facts {
        fact(state, frame.tick, event);
    }
    motion::packed(state, frame.tick, &frame.motion)?;
    outcomes::outcomes(state, frame.tick, &frame.outcomes);
    for sent in &frame.effects {
        effect(state, sent);
    }
    state.epoch = frame.epoch;
    state.claim = frame.claim;
    state.frame_no = frame.no;
    finish(state, frame.tick, frame.at, frame.pos);
    Ok(())
}

/// Turns the clock and takes the hashes: the end of every frame, folded or decided.
pub(crate) fn finish(state: &mut AreaState, tick: Tick, at: UnixMillis, position: CommandPosition) {
    clock::clock(state, tick, at);
    state.position = position;
    state.settle();
}

/// An effect that this area sends, as it will stand in the frame.
pub(crate) fn next_effect(
    state: &AreaState,
    target: schemas::subjects::AggregateId,
    issued_at: UnixMillis,
    payload: schemas::effect::EffectPayload,
) -> Effect {
    Effect {
        number: state.sent(&target) + 1,
        target,
        issued_at,
        payload,
    }
}
