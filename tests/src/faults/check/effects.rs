//! Effects are delivered exactly once: numbered without gaps by their source, applied once each and in order by their
//! target, confirmed at the end.
//!
//! Books are kept of nothing but numbers: what a source says to have issued, what its target says to have applied.

use std::collections::BTreeMap;

use schemas::effect::{Effect, EffectPayload};
use schemas::fact::Fact;
use schemas::keyed::Outbox;
use schemas::outcome::EffectVerdict;
use schemas::subjects::AggregateId;

use super::Finding;
use super::log::Log;

/// From whom to whom.
pub(super) type Pair = (AggregateId, AggregateId);

/// All effects there ever were, by pair and number.
#[derive(Default)]
pub(super) struct Effects {
    pub(super) issued: BTreeMap<Pair, BTreeMap<u64, EffectPayload>>,
    applied: BTreeMap<Pair, Vec<u64>>,
    confirmed: BTreeMap<Pair, u64>,
}

impl Effects {
    /// Gathers them, and finds what was issued twice.
    pub(super) fn of(log: &Log, findings: &mut Vec<Finding>) -> Self {
        let mut all = Self::default();
        for (area, frames) in &log.frames {
            let me = AggregateId::Area(area.clone());
            for placed in frames {
                for effect in &placed.frame.effects {
                    let pair = (me.clone(), effect.target.clone());
                    if !all.issue(&pair, effect) {
                        let number = effect.number;
                        findings.push(Finding::new(
                            "effects",
                            format!("{}: number {number} is issued twice", told(&pair)),
                        ));
                    }
                }
                for outcome in &placed.frame.outcomes.effects {
                    if outcome.verdict == EffectVerdict::Applied {
                        let pair = (outcome.source.clone(), me.clone());
                        all.applied.entry(pair).or_default().push(outcome.number);
                    }
                }
                for fact in &placed.frame.facts {
                    if let Fact::EffectsConfirmed { target, up_to } = fact {
                        let pair = (me.clone(), target.clone());
                        let known = all.confirmed.entry(pair).or_default();
                        *known = (*known).max(*up_to);
                    }
                }
            }
        }
        for (character, entries) in &log.characters {
            let me = AggregateId::Character(*character);
            all.keyed(&me, entries.iter().map(|kept| &kept.entry.outbox));
        }
        for (area, entries) in &log.control {
            let me = AggregateId::Control(area.clone());
            all.keyed(&me, entries.iter().map(|kept| &kept.entry.outbox));
        }
        all
    }

    fn issue(&mut self, pair: &Pair, effect: &Effect) -> bool {
        let numbers = self.issued.entry(pair.clone()).or_default();
        numbers
            .insert(effect.number, effect.payload.clone())
            .is_none()
    }

    /// A keyed aggregate says in every entry what it has sent, has had, and waits for.
    fn keyed<'a>(&mut self, me: &AggregateId, entries: impl Iterator<Item = &'a Outbox>) {
        let mut last: Option<&Outbox> = None;
        for outbox in entries {
            for effect in &outbox.pending {
                self.issue(&(me.clone(), effect.target.clone()), effect);
            }
            for (source, up_to) in &outbox.received {
                let before = last.and_then(|last| last.received.get(source));
                let pair = (source.clone(), me.clone());
                let applied = self.applied.entry(pair).or_default();
                applied.extend(before.copied().unwrap_or(0) + 1..=*up_to);
            }
            last = Some(outbox);
        }
        for (target, sent) in last.map(|last| &last.sent).into_iter().flatten() {
            let waits = |effect: &&Effect| effect.target == *target;
            let pending = last
                .into_iter()
                .flat_map(|last| &last.pending)
                .filter(waits);
            let lowest = pending.map(|effect| effect.number - 1).min();
            let pair = (me.clone(), target.clone());
            self.confirmed.insert(pair, lowest.unwrap_or(*sent));
        }
    }

    /// Compares the books; how many effects there were.
    pub(super) fn check(&self, findings: &mut Vec<Finding>) -> usize {
        let mut find = |pair: &Pair, what: String| {
            findings.push(Finding::new("effects", format!("{}: {what}", told(pair))));
        };
        for (pair, numbers) in &self.issued {
            let count = numbers.len() as u64;
            if !numbers.keys().copied().eq(1..=count) {
                let numbers: Vec<&u64> = numbers.keys().collect();
                find(pair, format!("numbered {numbers:?}"));
            }
            let applied = self.applied.get(pair).map_or(&[][..], Vec::as_slice);
            if !applied.iter().copied().eq(1..=count) {
                find(pair, format!("{count} issued, applied were {applied:?}"));
            }
            let confirmed = self.confirmed.get(pair).copied().unwrap_or(0);
            if confirmed != count {
                find(pair, format!("{count} issued, confirmed up to {confirmed}"));
            }
        }
        for (pair, applied) in &self.applied {
            if !self.issued.contains_key(pair) {
                find(pair, format!("{applied:?} applied, none issued"));
            }
        }
        self.issued.values().map(BTreeMap::len).sum()
    }
}

fn told((source, target): &Pair) -> String {
    format!("from {source} to {target}")
}
