//! The area's clock, and what is forgotten as it goes.

use std::sync::Arc;

use schemas::subjects::AggregateId;
use schemas::{Tick, UnixMillis};

use crate::rules::{FORGET_COUNTER_TICKS, FORWARD_TICKS, SWEEP_TICKS};
use crate::state::{AreaState, gone_hash, received_hash};

/// Lets the ticks before `tick` pass, of which no frame tells because nothing happened in them. Their owner executed
/// them one by one, and forgot what was to be forgotten as of the tick in which it was due.
pub(crate) fn pass(state: &mut AreaState, tick: Tick) {
    let last = Tick(tick.0.saturating_sub(1));
    let swept = Tick(last.0 / SWEEP_TICKS * SWEEP_TICKS);
    if swept > state.tick {
        sweep(state, swept);
    }
    state.tick = last.max(state.tick);
}

/// Sets tick and time; now and then forgets what has become useless.
pub(crate) fn clock(state: &mut AreaState, tick: Tick, at: UnixMillis) {
    if state.tick.0 / SWEEP_TICKS != tick.0 / SWEEP_TICKS {
        sweep(state, tick);
    }
    state.tick = tick;
    state.at = at;
}

/// Forgets doors walked through and parties sent on long ago, and characters' counters that have been idle.
/// Counters of areas stay: they are few, and they never come back from the beginning.
fn sweep(state: &mut AreaState, now: Tick) {
    let since = |then: Tick| now.0.saturating_sub(then.0);
    if state
        .gone
        .values()
        .any(|gone| since(gone.at) > FORWARD_TICKS)
    {
        let tables = &mut state.tables;
        Arc::make_mut(&mut state.gone).retain(|character, gone| {
            let keep = since(gone.at) <= FORWARD_TICKS;
            if !keep {
                *tables = tables.wrapping_sub(gone_hash(*character, gone));
            }
            keep
        });
    }
    state.forget_old_parties(now);
    let idle = |source: &AggregateId, at: Tick| {
        matches!(source, AggregateId::Character(_)) && since(at) > FORGET_COUNTER_TICKS
    };
    let forgotten = state
        .mail
        .received
        .take_where(|source, received| idle(source, received.at));
    for (source, received) in &forgotten {
        state.mail.forgot = true;
        state.tables = state.tables.wrapping_sub(received_hash(source, received));
    }
}
