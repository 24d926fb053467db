//! Who is woken when something is stored: only those who asked for that subject.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Notify;

use crate::subject::matches;

/// Those who wait for one stream's messages.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    waiting: BTreeMap<u64, (Vec<String>, Arc<Notify>)>,
    numbered: u64,
}

impl Waiters {
    /// Somebody waits for messages on any of `filters` (none: all); a number to leave by.
    pub(super) fn join(&mut self, filters: Vec<String>, wake: &Arc<Notify>) -> u64 {
        self.numbered += 1;
        self.waiting
            .insert(self.numbered, (filters, Arc::clone(wake)));
        self.numbered
    }

    pub(super) fn leave(&mut self, number: u64) {
        self.waiting.remove(&number);
    }

    /// A message on `subject` has been stored.
    pub(super) fn wake(&self, subject: &str) {
        for (filters, wake) in self.waiting.values() {
            if filters.is_empty() || filters.iter().any(|filter| matches(filter, subject)) {
                wake.notify_one();
            }
        }
    }
}
