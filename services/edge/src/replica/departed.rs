//! Who has left an area lately, and by which effect: for connections that come to look for a
//! character when it has gone on already.

use std::collections::HashMap;
use std::time::Duration;

use schemas::effect::{Effect, EffectPayload};
use schemas::fact::{DepartureReason, Destination, Fact};
use schemas::frame::Frame;
use schemas::subjects::AggregateId;
use schemas::{AreaId, CharacterId, SessionFence, UnixMillis};

/// Who has left is remembered for so long.
const REMEMBERED: Duration = Duration::from_secs(60);

/// An effect that carries a character into an area. What the area has taken of its source tells
/// whether the character has been there, however far this edge has read of either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passage {
    /// Who sent it.
    pub(crate) source: AggregateId,
    /// Its number between that source and this area.
    pub(crate) number: u64,
}

impl Passage {
    /// The effect of `area` with that number.
    pub(super) fn of(area: &AreaId, number: u64) -> Self {
        let source = AggregateId::Area(area.clone());
        Self { source, number }
    }
}

/// A character has left an area, for another or for the lobby.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Departed {
    /// Where to.
    pub(crate) to: Destination,
    /// Why.
    pub(crate) reason: DepartureReason,
    /// With which session, if it is known.
    pub(crate) session: Option<SessionFence>,
    /// The effect that carries it, if it is known.
    pub(crate) by: Option<Passage>,
}

/// What `frame` of `area` says of who has left.
pub(super) fn departures<'a>(
    area: &'a AreaId,
    frame: &'a Frame,
) -> impl Iterator<Item = (CharacterId, Departed)> + 'a {
    frame.facts.iter().filter_map(|fact| match fact {
        Fact::Departed {
            character,
            to,
            reason,
            ..
        } => {
            let carriers = frame.effects.iter().rev();
            let carrier = carriers.filter_map(|e| Some((session_in(e, *character)?, e.number)));
            let carrier = carrier.into_iter().next();
            let departed = Departed {
                to: to.clone(),
                reason: *reason,
                session: carrier.map(|(session, _)| session),
                by: carrier.map(|(_, number)| Passage::of(area, number)),
            };
            Some((*character, departed))
        }
        _ => None,
    })
}

/// The session of `character`, if the effect carries it.
fn session_in(effect: &Effect, character: CharacterId) -> Option<SessionFence> {
    match &effect.payload {
        EffectPayload::Enter { traveller, .. } | EffectPayload::Returned { traveller, .. }
            if traveller.character == character =>
        {
            Some(traveller.session)
        }
        _ => None,
    }
}

/// Who has left within the last minute, by the clocks of those who decided it.
#[derive(Debug, Default)]
pub(crate) struct LeftLately(HashMap<CharacterId, (UnixMillis, Departed)>);

impl LeftLately {
    /// Notes who came back and who left in `frame` of `area`.
    pub(super) fn note(&mut self, area: &AreaId, frame: &Frame) {
        for fact in &frame.facts {
            if let Fact::Arrived { traveller, .. } = fact {
                self.0.remove(&traveller.character);
            }
        }
        let left = departures(area, frame).map(|(who, how)| (who, (frame.at, how)));
        self.0.extend(left);
    }

    /// How `character` left.
    pub(super) fn get(&self, character: CharacterId) -> Option<&Departed> {
        self.0.get(&character).map(|(_, how)| how)
    }

    /// Forgets who left long before `now`.
    pub(super) fn forget_old(&mut self, now: UnixMillis) {
        let long = u64::try_from(REMEMBERED.as_millis()).unwrap_or(u64::MAX);
        self.0
            .retain(|_, (at, _)| now.0.saturating_sub(at.0) < long);
    }
}
