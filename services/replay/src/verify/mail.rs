//! Effects between aggregates: numbered without gaps, applied once, confirmed when applied.

use std::collections::HashMap;

use schemas::subjects::AggregateId;
use serde::{Deserialize, Serialize};

use super::report::Report;

/// From whom to whom.
pub(super) type Pair = (AggregateId, AggregateId);

/// What must have happened before a message can have been written.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// These effects have been issued.
    pub(super) issued: Vec<(Pair, u64)>,
    /// These have been applied.
    pub(super) applied: Vec<(Pair, u64)>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Counters {
    issued: u64,
    applied: u64,
    confirmed: u64,
}

/// All pairs.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Mail {
    pairs: HashMap<Pair, Counters>,
    applied: u64,
}

/// A sentence, when something is wrong.
pub(super) type Wrong = Result<(), String>;

impl Mail {
    /// Whether all that `needs` names has been folded.
    pub(super) fn meets(&self, needs: &Needs) -> bool {
        self.unmet(needs).next().is_none()
    }

    /// Whose messages are still to be folded before all that `needs` names has been.
    pub(super) fn unmet<'a>(&'a self, needs: &'a Needs) -> impl Iterator<Item = &'a AggregateId> {
        let known =
            |pair: &Pair, count: fn(&Counters) -> u64| self.pairs.get(pair).map_or(0, count);
        let issued = move |(pair, number): &'a (Pair, u64)| {
            (known(pair, |c| c.issued) < *number).then_some(&pair.0)
        };
        let applied = move |(pair, number): &'a (Pair, u64)| {
            (known(pair, |c| c.applied) < *number).then_some(&pair.1)
        };
        let issued = needs.issued.iter().filter_map(issued);
        issued.chain(needs.applied.iter().filter_map(applied))
    }

    pub(super) fn issue(&mut self, pair: Pair, number: u64) -> Wrong {
        let counters = self.pairs.entry(pair.clone()).or_default();
        let expected = counters.issued + 1;
        counters.issued = counters.issued.max(number);
        if number == expected {
            return Ok(());
        }
        Err(format!(
            "effect {number} from {} to {} follows effect {}",
            pair.0,
            pair.1,
            expected - 1
        ))
    }

    pub(super) fn apply(&mut self, pair: Pair, number: u64) -> Wrong {
        let counters = self.pairs.entry(pair.clone()).or_default();
        let (before, issued) = (counters.applied, counters.issued);
        counters.applied = before.max(number);
        self.applied += 1;
        let (source, target) = pair;
        if number <= before {
            return Err(format!(
                "{target} has applied effect {number} of {source} twice"
            ));
        }
        if number > before + 1 {
            return Err(format!(
                "{target} has applied effect {number} of {source} without number {}",
                before + 1
            ));
        }
        if number > issued {
            return Err(format!(
                "{target} has applied effect {number} of {source}, which never issued it"
            ));
        }
        Ok(())
    }

    /// The target says that it has had it before.
    pub(super) fn repeat(&self, pair: &Pair, number: u64) -> Wrong {
        let applied = self.pairs.get(pair).map_or(0, |counters| counters.applied);
        if number <= applied {
            return Ok(());
        }
        let (source, target) = pair;
        Err(format!(
            "{target} calls effect {number} of {source} repeated, but has applied only {applied}"
        ))
    }

    pub(super) fn confirm(&mut self, pair: Pair, up_to: u64) -> Wrong {
        let counters = self.pairs.entry(pair.clone()).or_default();
        counters.confirmed = counters.confirmed.max(up_to);
        if up_to <= counters.applied {
            return Ok(());
        }
        let (source, target) = pair;
        Err(format!(
            "{source} takes effect {up_to} to {target} for confirmed, which has applied only {}",
            counters.applied
        ))
    }

    pub(super) fn close(&self, report: &mut Report) {
        report.effects = self.applied;
        let pending = |counters: &Counters| counters.issued.saturating_sub(counters.confirmed);
        report.effects_pending = self.pairs.values().map(pending).sum();
    }
}
