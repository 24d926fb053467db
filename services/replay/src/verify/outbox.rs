//! What an entry of a keyed aggregate changes in its outbox.

use std::collections::BTreeMap;

use schemas::effect::Effect;
use schemas::keyed::Outbox;
use schemas::subjects::AggregateId;

use super::mail::Needs;

/// What an entry changes in its outbox.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) issued: Vec<Effect>,
    pub(super) applied: Vec<(AggregateId, u64)>,
    pub(super) confirmed: Vec<(AggregateId, u64)>,
}

impl Change {
    /// What must have been folded before, when the outbox is that of `me`.
    pub(super) fn needs(&self, me: &AggregateId) -> Needs {
        let from = |(source, number): &(AggregateId, u64)| ((source.clone(), me.clone()), *number);
        let to = |(target, number): &(AggregateId, u64)| ((me.clone(), target.clone()), *number);
        Needs {
            issued: self.applied.iter().map(from).collect(),
            applied: self.confirmed.iter().map(to).collect(),
        }
    }
}

/// The outbox of who has had no entry yet.
static NOTHING: Outbox = Outbox {
    sent: BTreeMap::new(),
    received: BTreeMap::new(),
    pending: Vec::new(),
};

/// What came between two entries; `None`: the later one is the first.
pub(super) fn change(before: Option<&Outbox>, after: &Outbox) -> Change {
    let before = before.unwrap_or(&NOTHING);
    let known = |effect: &Effect| before.sent.get(&effect.target).copied().unwrap_or(0);
    let issued = after.pending.iter().filter(|e| e.number > known(e));
    let applied = after.received.iter().flat_map(|(source, last)| {
        let first = before.received.get(source).copied().unwrap_or(0) + 1;
        (first..=*last).map(move |number| (source.clone(), number))
    });
    let still = |old: &Effect| {
        let same = |new: &Effect| (&new.target, new.number) == (&old.target, old.number);
        after.pending.iter().any(same)
    };
    let confirmed = before.pending.iter().filter(|old| !still(old));
    Change {
        issued: issued.cloned().collect(),
        applied: applied.collect(),
        confirmed: confirmed
            .map(|old| (old.target.clone(), old.number))
            .collect(),
    }
}
