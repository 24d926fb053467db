//! The rules of effects between two aggregates: numbers without gaps, pending until confirmed.
//!
//! An [`Outbox`] is data that stands in the aggregate's own entry; these functions are all that
//! may be done with it. Both ends hold by them: the source keeps an effect pending and sends it
//! again from its lowest pending number; the target applies `last + 1` only, confirms again what
//! it has had, and leaves a gap unconfirmed. How messages travel is left to others.

use bytes::Bytes;
use schemas::command::AreaMessage;
use schemas::effect::{Cause, Confirmation, Effect, EffectMessage, EffectPayload};
use schemas::encode;
use schemas::keyed::{KeyedMessage, Outbox};
use schemas::subjects::AggregateId;
use schemas::{Sequence, UnixMillis};

/// How an arriving effect stands to those that came before it from the same source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The next one: apply it, then confirm.
    Next,
    /// It has been applied before: confirm again up to this number, change nothing.
    Repeated(u64),
    /// One before it is missing: change nothing and do not confirm; the source sends again.
    Gap,
}

/// A message ready for the command stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to.
    pub subject: String,
    /// What.
    pub payload: Bytes,
}

/// Gives the next number to an effect for `target` and keeps it pending.
pub fn issue(
    outbox: &mut Outbox,
    target: AggregateId,
    issued_at: UnixMillis,
    payload: EffectPayload,
) -> Effect {
    let last = outbox.sent.entry(target.clone()).or_default();
    *last += 1;
    let effect = Effect {
        target,
        number: *last,
        issued_at,
        payload,
    };
    let place = outbox
        .pending
        .partition_point(|known| (&known.target, known.number) < (&effect.target, effect.number));
    outbox.pending.insert(place, effect.clone());
    effect
}

/// Judges an effect from `source` with `number`.
#[must_use]
pub fn arrival(outbox: &Outbox, source: &AggregateId, number: u64) -> Arrival {
    let last = outbox.received.get(source).copied().unwrap_or(0);
    if number <= last {
        Arrival::Repeated(last)
    } else if number == last + 1 {
        Arrival::Next
    } else {
        Arrival::Gap
    }
}

/// Notes that the effect judged [`Arrival::Next`] is part of the state now.
pub fn applied(outbox: &mut Outbox, source: &AggregateId, number: u64) {
    outbox.received.insert(source.clone(), number);
}

/// Drops what `target` has confirmed; whether anything was still pending.
pub fn confirmed(outbox: &mut Outbox, confirmation: &Confirmation) -> bool {
    let before = outbox.pending.len();
    outbox.pending.retain(|effect| {
        effect.target != confirmation.target || effect.number > confirmation.up_to
    });
    outbox.pending.len() < before
}

/// An effect as it goes to its target, naming the event (`stream`, `sequence`) that holds it.
#[must_use]
pub fn effect_message(
    source: &AggregateId,
    stream: &str,
    sequence: Sequence,
    effect: &Effect,
) -> Outgoing {
    let message = EffectMessage {
        source: source.clone(),
        cause: Cause {
            stream: stream.to_owned(),
            sequence,
        },
        effect: effect.clone(),
    };
    let payload = match effect.target {
        AggregateId::Area(_) => encode(&AreaMessage::Effect(message)),
        AggregateId::Character(_) | AggregateId::Control(_) => {
            encode(&KeyedMessage::<()>::Effect(message))
        }
    };
    Outgoing {
        subject: effect.target.command_subject(source),
        payload: payload.into(),
    }
}

/// The receipt of `target` for all effects of `source` up to `up_to`, on its way to `source`.
#[must_use]
pub fn confirmation_message(source: &AggregateId, target: &AggregateId, up_to: u64) -> Outgoing {
    let confirmation = Confirmation {
        target: target.clone(),
        up_to,
    };
    let payload = match source {
        AggregateId::Area(_) => encode(&AreaMessage::Confirmation(confirmation)),
        AggregateId::Character(_) | AggregateId::Control(_) => {
            encode(&KeyedMessage::<()>::Confirmation(confirmation))
        }
    };
    Outgoing {
        subject: source.command_subject(target),
        payload: payload.into(),
    }
}

#[cfg(test)]
mod tests {
    use schemas::{AreaId, CharacterId};

    use super::*;

    fn area(name: &str) -> AggregateId {
        AggregateId::Area(AreaId::new(name).unwrap())
    }

    fn located(n: u64) -> EffectPayload {
        EffectPayload::Located {
            character: CharacterId(n),
            area: AreaId::new("mill-1").unwrap(),
            session: 1.into(),
        }
    }

    #[test]
    fn each_target_has_numbers_of_its_own_without_gaps() {
        let mut outbox = Outbox::default();
        for (target, number) in [("mill-1", 1), ("harbor-1", 1), ("mill-1", 2)] {
            let effect = issue(&mut outbox, area(target), UnixMillis(5), located(1));
            assert_eq!(effect.number, number);
        }
        let pending: Vec<_> = outbox
            .pending
            .iter()
            .map(|e| (e.target.to_string(), e.number))
            .collect();
        let expected = [("area.harbor-1", 1), ("area.mill-1", 1), ("area.mill-1", 2)];
        assert_eq!(pending, expected.map(|(t, n)| (t.to_owned(), n)));
    }

    #[test]
    fn only_the_next_one_is_applied() {
        let (mut outbox, source) = (Outbox::default(), area("mill-1"));
        assert_eq!(arrival(&outbox, &source, 2), Arrival::Gap);
        assert_eq!(arrival(&outbox, &source, 1), Arrival::Next);
        applied(&mut outbox, &source, 1);
        assert_eq!(arrival(&outbox, &source, 1), Arrival::Repeated(1));
        assert_eq!(arrival(&outbox, &source, 2), Arrival::Next);
        assert_eq!(arrival(&outbox, &area("harbor-1"), 1), Arrival::Next);
    }

    #[test]
    fn a_receipt_drops_what_it_covers_and_nothing_else() {
        let mut outbox = Outbox::default();
        for target in ["mill-1", "mill-1", "mill-1", "harbor-1"] {
            issue(&mut outbox, area(target), UnixMillis(5), located(1));
        }
        let receipt = Confirmation {
            target: area("mill-1"),
            up_to: 2,
        };
        assert!(confirmed(&mut outbox, &receipt));
        assert!(!confirmed(&mut outbox, &receipt), "a repeated receipt");
        let left: Vec<_> = outbox.pending.iter().map(|e| e.number).collect();
        assert_eq!(left, [1, 3]);
    }

    #[test]
    fn an_effect_speaks_the_language_of_its_target() {
        let mut outbox = Outbox::default();
        let character = AggregateId::Character(CharacterId(7));
        let to_area = issue(&mut outbox, area("mill-1"), UnixMillis(5), located(7));
        let out = effect_message(&character, "LOBBY_EVENTS", Sequence(9), &to_area);
        assert_eq!(
            out.subject,
            format!("cmd.area.mill-1.{}", character.token())
        );
        assert!(matches!(
            AreaMessage::received(&out.subject, &out.payload),
            Ok(AreaMessage::Effect(m)) if m.source == character && m.effect == to_area
        ));
        let receipt = confirmation_message(&character, &area("mill-1"), 1);
        let received = KeyedMessage::<schemas::lobby::LobbyCommand>::received(
            &receipt.subject,
            &receipt.payload,
        );
        let (key, message) = received.unwrap();
        assert_eq!(key, CharacterId(7).to_string());
        assert!(matches!(
            message,
            KeyedMessage::Confirmation(Confirmation { up_to: 1, .. })
        ));
    }
}
