//! Effects that wait for their confirmation, and when each is sent again.
//!
//! The state says which effects are pending; here is kept what the log says of them: which frame
//! holds each one (its cause, known only once the frame is acknowledged), and when it was last
//! sent. An unconfirmed effect is sent again after a second, then after two, four and at most eight
//! seconds; a target that sleeps is given a hint every second.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schemas::effect::Effect;
use schemas::subjects::AggregateId;
use schemas::{AreaId, Sequence};
use tokio::time::Instant;

/// Until an effect is sent a second time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest time between two sendings.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// How often the pending effects are looked through.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is to be sent now.
#[derive(Debug, Default)]
pub(crate) struct Resend {
    /// Effects with their causes, those to one target from the lowest number up.
    pub(crate) effects: Vec<(Effect, Sequence)>,
    /// Areas to be woken.
    pub(crate) hints: BTreeSet<AreaId>,
}

/// What is known of the pending effects.
#[derive(Debug)]
pub(crate) struct Pending {
    sent: BTreeMap<(AggregateId, u64), Sent>,
    looked: Instant,
}

#[derive(Debug)]
struct Sent {
    cause: Sequence,
    at: Instant,
    pause: Duration,
}

impl Pending {
    /// Of an area that was restored up to the frame at `restored`, which is not before any cause;
    /// what is pending then is sent at once, for nobody knows when it was sent last.
    pub(crate) fn restored<'a>(
        effects: impl Iterator<Item = &'a Effect>,
        restored: Sequence,
        now: Instant,
    ) -> Self {
        let long_ago = now.checked_sub(LOOK_EVERY).unwrap_or(now);
        let sent = effects.map(|effect| {
            let sent = Sent {
                cause: restored,
                at: long_ago,
                pause: Duration::ZERO,
            };
            ((effect.target.clone(), effect.number), sent)
        });
        Self {
            sent: sent.collect(),
            looked: long_ago,
        }
    }

    /// The frame at `cause` is acknowledged; its effects are being sent now.
    pub(crate) fn sent(&mut self, effects: &[Effect], cause: Sequence, now: Instant) {
        self.sent.extend(effects.iter().map(|effect| {
            let sent = Sent {
                cause,
                at: now,
                pause: FIRST_PAUSE,
            };
            ((effect.target.clone(), effect.number), sent)
        }));
    }

    /// What is due, of those still `pending` in the state. Looks once a second.
    pub(crate) fn due<'a>(
        &mut self,
        pending: impl Iterator<Item = &'a Effect>,
        now: Instant,
    ) -> Resend {
        let mut due = Resend::default();
        if self.sent.is_empty() || now.saturating_duration_since(self.looked) < LOOK_EVERY {
            return due;
        }
        self.looked = now;
        let mut before = std::mem::take(&mut self.sent);
        // A target refuses what comes after a gap, so one due effect brings the later ones along.
        let mut bringing: Option<AggregateId> = None;
        for effect in pending {
            let key = (effect.target.clone(), effect.number);
            // Not known: its frame is still on its way, and it must not leave before.
            let Some(mut sent) = before.remove(&key) else {
                continue;
            };
            if let AggregateId::Area(area) = &effect.target {
                due.hints.insert(area.clone());
            }
            let along = bringing.as_ref() == Some(&effect.target);
            if along || now.saturating_duration_since(sent.at) >= sent.pause {
                due.effects.push((effect.clone(), sent.cause));
                sent.at = now;
                sent.pause = (sent.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                bringing = Some(effect.target.clone());
            }
            self.sent.insert(key, sent);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use schemas::UnixMillis;
    use schemas::effect::EffectPayload;
    use schemas::{CharacterId, SessionFence};

    use super::*;

    fn effect(number: u64) -> Effect {
        let area = AreaId::new("forest-1").unwrap();
        Effect {
            target: AggregateId::Area(area.clone()),
            number,
            issued_at: UnixMillis(0),
            payload: EffectPayload::Located {
                character: CharacterId(1),
                area,
                session: SessionFence(1),
            },
        }
    }

    fn numbers(due: &Resend) -> Vec<(u64, u64)> {
        due.effects
            .iter()
            .map(|(e, cause)| (e.number, cause.0))
            .collect()
    }

    #[test]
    fn what_was_pending_before_a_restart_is_sent_at_once() {
        let (now, all) = (Instant::now(), [effect(4), effect(5)]);
        let mut pending = Pending::restored(all.iter(), Sequence(90), now);
        let due = pending.due(all.iter(), now);
        assert_eq!(numbers(&due), [(4, 90), (5, 90)]);
        assert_eq!(due.hints.len(), 1);
    }

    #[test]
    fn an_unconfirmed_effect_is_sent_again_with_growing_pauses_and_hinted_at_every_second() {
        let (start, all) = (Instant::now(), [effect(1)]);
        let mut pending = Pending::restored([].iter(), Sequence(0), start);
        pending.sent(&all, Sequence(7), start);
        let mut sent = Vec::new();
        for second in 1..=32 {
            let due = pending.due(all.iter(), start + LOOK_EVERY * second);
            assert_eq!(due.hints.len(), 1, "at {second} s");
            if !due.effects.is_empty() {
                assert_eq!(numbers(&due), [(1, 7)]);
                sent.push(second);
            }
        }
        assert_eq!(sent, [1, 3, 7, 15, 23, 31]);
    }

    #[test]
    fn effects_of_a_frame_on_its_way_stay_and_confirmed_ones_are_forgotten() {
        let start = Instant::now();
        let mut pending = Pending::restored([].iter(), Sequence(0), start);
        pending.sent(&[effect(1), effect(2)], Sequence(7), start);
        let later = start + LOOK_EVERY;
        let due = pending.due([effect(2), effect(3)].iter(), later);
        assert_eq!(numbers(&due), [(2, 7)]);
        assert_eq!(pending.sent.len(), 1);
    }
}
