//! Messages from other aggregates: each applied exactly once, in the order of its numbers.

use schemas::effect::{Confirmation, EffectMessage, EffectPayload};
use schemas::fact::{DepartureReason, Fact};
use schemas::outcome::{EffectOutcome, EffectVerdict};
use schemas::subjects::AggregateId;
use schemas::{CharacterId, EdgeId, SessionFence};

use super::deciding::Deciding;
use super::{departure, enter, instance};
use crate::evolve;
use crate::rules::EFFECT_WINDOW_MILLIS;

/// Decides an effect.
pub(super) fn effect(area: &mut Deciding<'_>, message: &EffectMessage) {
    let verdict = judge(area, message);
    tell(area, message, verdict);
    if matches!(verdict, EffectVerdict::Applied | EffectVerdict::Repeated) {
        let last = area.next.received(&message.source);
        area.confirms.insert(message.source.clone(), last);
    }
    if verdict == EffectVerdict::Applied {
        apply(area, message);
    }
}

/// Refuses an effect on which the rules broke: it stays pending at its source.
pub(super) fn fault(area: &mut Deciding<'_>, message: &EffectMessage) {
    tell(area, message, EffectVerdict::Gap);
}

fn tell(area: &mut Deciding<'_>, message: &EffectMessage, verdict: EffectVerdict) {
    let outcome = EffectOutcome {
        source: message.source.clone(),
        number: message.effect.number,
        verdict,
    };
    evolve::effect_outcome(&mut area.next, area.tick, &outcome);
    area.outcomes.effects.push(outcome);
}

/// Whether it is the next one. A source whose counter is not known begins with 1, unless
/// counters have been forgotten here: then a young effect is believed to be the next one, and an
/// old one cannot be told from one that was applied before its counter was forgotten.
fn judge(area: &Deciding<'_>, message: &EffectMessage) -> EffectVerdict {
    let number = message.effect.number;
    if message.effect.target != AggregateId::Area(area.next.area().clone()) || number == 0 {
        return EffectVerdict::Gap;
    }
    let last = area.next.received(&message.source);
    let age = area.at.0.saturating_sub(message.effect.issued_at.0);
    if number <= last {
        EffectVerdict::Repeated
    } else if number == last + 1 {
        EffectVerdict::Applied
    } else if last > 0 || !area.next.mail.forgot || !is_forgettable(&message.source) {
        EffectVerdict::Gap
    } else if age <= EFFECT_WINDOW_MILLIS {
        EffectVerdict::Applied
    } else {
        EffectVerdict::Expired
    }
}

const fn is_forgettable(source: &AggregateId) -> bool {
    matches!(source, AggregateId::Character(_))
}

fn apply(area: &mut Deciding<'_>, message: &EffectMessage) {
    let payload = &message.effect.payload;
    match payload {
        EffectPayload::Enter { traveller, entry } => {
            enter::enter(area, &message.source, traveller, entry);
        }
        EffectPayload::TakeSession {
            character,
            session,
            edge,
            resumed,
        } => match area.next.by_character(*character) {
            None => pass_on(area, *character, payload),
            Some(_) => take_session(area, *character, *session, *edge, *resumed),
        },
        EffectPayload::LeaveWorld {
            character,
            session,
            reason,
        } => match area.next.by_character(*character) {
            None => pass_on(area, *character, payload),
            Some(body) if body.session <= *session => {
                let (handle, reason): (_, DepartureReason) = (body.handle, *reason);
                departure::to_lobby(area, handle, reason);
            }
            Some(_) => {}
        },
        EffectPayload::Steer {
            closed,
            overflow,
            soft,
        } => instance::steer(area, message, *closed, overflow.as_ref(), *soft),
        // News for the lobby; an area has no use for them.
        EffectPayload::Located { .. }
        | EffectPayload::Returned { .. }
        | EffectPayload::NotHere { .. } => {}
    }
}

/// The character went through a door: what comes for it follows on the same numbered pair, so
/// that it arrives after the character. Otherwise the lobby is told.
fn pass_on(area: &mut Deciding<'_>, character: CharacterId, payload: &EffectPayload) {
    match area.next.gone_to(character, area.tick).cloned() {
        Some(target) => area.send(AggregateId::Area(target), payload.clone()),
        None => area.send(
            AggregateId::Character(character),
            EffectPayload::NotHere {
                character,
                bounced: Box::new(payload.clone()),
            },
        ),
    }
}

/// A newer session takes the character over; an older or the same one changes nothing.
pub(super) fn take_session(
    area: &mut Deciding<'_>,
    character: CharacterId,
    session: SessionFence,
    edge: EdgeId,
    resumed: bool,
) {
    let Some(body) = area.next.by_character(character) else {
        return;
    };
    let handle = body.handle;
    if session <= body.session {
        return;
    }
    if !resumed {
        area.release(handle);
    }
    area.happen(Fact::SessionTaken {
        handle,
        character,
        session,
        edge,
        resumed,
    });
}

/// Another aggregate has taken effects of this area. Numbers that it cannot have had yet are
/// cut off.
pub(super) fn confirmation(area: &mut Deciding<'_>, confirmation: &Confirmation) {
    let Confirmation { target, up_to } = confirmation;
    let up_to = (*up_to).min(area.before.sent(target));
    let pending = &area.next.mail.pending;
    let any = pending
        .range((target.clone(), 0)..=(target.clone(), up_to))
        .next()
        .is_some();
    if any {
        area.happen(Fact::EffectsConfirmed {
            target: target.clone(),
            up_to,
        });
    }
}
