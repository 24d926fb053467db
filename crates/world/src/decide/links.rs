//! Sessions that fall silent. The measure is executed ticks: a stopped world logs nobody out.

use schemas::fact::{DepartureReason, Fact};
use schemas::{Handle, SessionFence};

use super::budget::{DEPARTURE, SILENCE};
use super::deciding::Deciding;
use super::departure;
use crate::evolve;

/// An edge says which sessions it holds; those of older fences do not count.
pub(super) fn alive(area: &mut Deciding<'_>, handles: &[(Handle, SessionFence)]) {
    for (handle, session) in handles {
        if area
            .next
            .body(*handle)
            .is_some_and(|b| b.session == *session)
        {
            hear(area, *handle);
            evolve::heard(&mut area.next, area.tick, *handle);
            area.heard.insert(*handle);
        }
    }
}

/// The body's session was heard: if it was lost, it is not any more.
pub(super) fn hear(area: &mut Deciding<'_>, handle: Handle) {
    let Some(body) = area.next.body(handle) else {
        return;
    };
    if body.link_lost.is_some() {
        let character = body.character;
        area.happen(Fact::LinkRestored { handle, character });
    }
}

/// What silence leads to: first the keys are let go, then the character leaves. Those for whom
/// the frame has no room left come in the next one.
pub(super) fn watch(area: &mut Deciding<'_>) {
    let silent: Vec<_> = area
        .next
        .slots
        .due(area.rules, area.tick)
        .filter_map(|handle| area.next.body(handle))
        .filter(|body| body.link_deadline(area.rules) <= area.tick)
        .map(|body| (body.handle, body.character, body.link_lost.is_some()))
        .collect();
    for (handle, character, lost) in silent {
        if lost {
            if area.budget.take(DEPARTURE) {
                departure::to_lobby(area, handle, DepartureReason::LinkDead);
            }
        } else if area.budget.take(SILENCE) {
            area.release(handle);
            area.happen(Fact::LinkLost { handle, character });
        }
    }
}
