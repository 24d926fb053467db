//! What areas tell the lobby of a character, and how a waiting session is let in by it.
//!
//! News from one area comes in order; news from two areas may overtake each other, so a place is
//! as old as the area's own clock says, and older news of another area is passed over.
//!
//! A session of a character in the world is over only when the character was deleted there. Then
//! it is made to leave wherever the news finds it, and whoever waited is not let in any more.

use eventlog::keyed::Verdict;
use schemas::effect::{Effect, EffectPayload};
use schemas::fact::DepartureReason;
use schemas::lobby::{Character, LobbyEvent, Place};
use schemas::subjects::AggregateId;
use schemas::{AreaId, CharacterId, SessionFence, UnixMillis};

use super::Characters;
use super::entering::{Session, enter};

impl Characters {
    pub(super) fn heard_from(
        &self,
        source: &AreaId,
        state: &Character,
        effect: &Effect,
    ) -> Verdict<LobbyEvent> {
        match &effect.payload {
            EffectPayload::Located {
                character,
                area,
                session,
            } => located(state, *character, area, *session, effect.issued_at),
            EffectPayload::Returned { .. } => self.returned(state, effect),
            EffectPayload::NotHere { character, bounced } => {
                not_here(source, state, effect.issued_at, (*character, bounced))
            }
            EffectPayload::Steer { .. }
            | EffectPayload::Enter { .. }
            | EffectPayload::TakeSession { .. }
            | EffectPayload::LeaveWorld { .. } => {
                tracing::error!(area.id = %source, "an effect that is meant for areas; passed over");
                Verdict::unchanged()
            }
        }
    }

    /// The character is back. If a session waits, it goes in again at once.
    fn returned(&self, state: &Character, effect: &Effect) -> Verdict<LobbyEvent> {
        let EffectPayload::Returned {
            traveller,
            last_seen,
            reason,
        } = &effect.payload
        else {
            return Verdict::unchanged();
        };
        if let Some(Place::Lobby(_)) = state.place {
            tracing::error!(character.id = %traveller.character, "a character came back that was here; passed over");
            return Verdict::unchanged();
        }
        let event = LobbyEvent::Returned {
            traveller: traveller.clone(),
            last_seen: last_seen.clone(),
            reason: *reason,
            at: effect.issued_at,
        };
        let waiting = Session::of(state);
        let mut after = state.clone();
        <Self as eventlog::Aggregate>::evolve(&mut after, &event);
        let back = Verdict::events([event]);
        if waiting.fence > traveller.session && !state.over {
            let (traveller, way) = ((**traveller).clone(), self.entry_area(&after));
            enter(back, traveller, way, waiting, effect.issued_at)
        } else {
            back
        }
    }
}

/// The character is in `area`. If a session waits that this area did not know, it is sent there.
fn located(
    state: &Character,
    character: CharacterId,
    area: &AreaId,
    session: SessionFence,
    at: UnixMillis,
) -> Verdict<LobbyEvent> {
    let in_the_world = matches!(state.place, Some(Place::World(_)));
    if !in_the_world || at < state.placed_at {
        return Verdict::unchanged();
    }
    let news = Verdict::events([LobbyEvent::Located {
        area: area.clone(),
        at,
    }]);
    let waiting = Session::of(state);
    if state.over {
        news.asking(AggregateId::Area(area.clone()), leave(state, character))
    } else if waiting.fence > session {
        news.asking(AggregateId::Area(area.clone()), waiting.take(character))
    } else {
        news
    }
}

/// What was sent came where the character is not known. Where it is by now is known already, or
/// the next news tells: [`located`] and [`Characters::returned`] let a waiting session in.
fn not_here(
    source: &AreaId,
    state: &Character,
    at: UnixMillis,
    (character, bounced): (CharacterId, &EffectPayload),
) -> Verdict<LobbyEvent> {
    let Some(Place::World(area)) = &state.place else {
        return Verdict::unchanged();
    };
    if area == source {
        // It is on its way to somewhere, of which there will be news; or it is lost.
        let area = source.clone();
        return Verdict::events([LobbyEvent::Missed { area, at }]);
    }
    let again = match bounced {
        _ if state.over => leave(state, character),
        EffectPayload::TakeSession { session, .. } if *session == state.session => {
            Session::of(state).take(character)
        }
        EffectPayload::LeaveWorld { session, .. } if *session >= state.session => bounced.clone(),
        _ => return Verdict::unchanged(),
    };
    Verdict::unchanged().asking(AggregateId::Area(area.clone()), again)
}

/// The character shall leave the world, whichever session has it.
pub(super) const fn leave(state: &Character, character: CharacterId) -> EffectPayload {
    EffectPayload::LeaveWorld {
        character,
        session: state.session,
        reason: DepartureReason::Logout,
    }
}
