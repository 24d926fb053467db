//! Aggregates as they were last read or written, each with the fence under which to write next.
//!
//! A cached aggregate may be out of date when another instance has served its key. That is found
//! out by the condition when something is appended, and by [`Cache::freshly`] when nothing is.

use std::collections::{HashMap, HashSet};

use schemas::decode;
use schemas::subjects::keyed_events;

use super::aggregate::{Aggregate, EntryOf};
use super::error::{KeyedError, known};
use crate::EventLog;
use crate::append::Appender;
use crate::lineage::Lineage;

/// How many aggregates a partition keeps at hand; at one more, all are forgotten.
const KEPT: usize = 1024;

/// One aggregate at hand.
pub(super) struct Loaded<A: Aggregate> {
    /// Writes after what `state` knows.
    pub(super) appender: Appender,
    /// What its last event says.
    pub(super) state: Known<A>,
}

/// What the last event of a key says.
pub(super) enum Known<A: Aggregate> {
    /// There is no event yet.
    Nothing,
    /// This.
    Entry(Box<EntryOf<A>>),
    /// This build cannot read it, or it is not the last one there has been. Commands for the key are refused, until a build
    /// comes that can read it, or for as long as this process lives.
    Unreadable,
}

/// The aggregates that one partition has at hand.
pub(super) struct Cache<A: Aggregate> {
    log: EventLog,
    lineage: Lineage,
    kept: HashMap<String, Loaded<A>>,
    /// Keys of which more was known than there is now.
    refused: HashSet<String>,
}

impl<A: Aggregate> Cache<A> {
    pub(super) fn new(log: EventLog, lineage: Lineage) -> Self {
        Self {
            log,
            lineage,
            kept: HashMap::new(),
            refused: HashSet::new(),
        }
    }

    /// Takes the aggregate out, at hand or from the leader; whether it is certainly the newest.
    pub(super) async fn take(&mut self, key: &str) -> Result<(Loaded<A>, bool), KeyedError> {
        match self.kept.remove(key) {
            Some(kept) => Ok((kept, false)),
            None => Ok((self.freshly(key).await?, true)),
        }
    }

    /// Reads the aggregate from the leader.
    pub(super) async fn freshly(&mut self, key: &str) -> Result<Loaded<A>, KeyedError> {
        let appender = self.log.appender(&keyed_events(A::DOMAIN, key)).await?;
        let state = match appender.last() {
            _ if self.refused.contains(key) => Known::Unreadable,
            None => Known::Nothing,
            Some(record) => match decode::<EntryOf<A>>(&record.payload) {
                Ok(entry) => {
                    let commands = A::DOMAIN.command_stream();
                    let stored = (entry.incarnation, entry.handled);
                    known(&self.lineage, &record.subject, commands, stored)?;
                    Known::Entry(Box::new(entry))
                }
                Err(error) => {
                    tracing::error!(
                        event.subject = record.subject,
                        event.seq = record.sequence.0,
                        %error,
                        "an aggregate's last event cannot be read; its commands are refused"
                    );
                    Known::Unreadable
                }
            },
        };
        Ok(Loaded { appender, state })
    }

    /// Serves the key no more: its log has lost what this process knew.
    pub(super) fn refuse(&mut self, key: &str) {
        self.refused.insert(key.to_owned());
    }

    /// Puts it back for the next command of the key.
    pub(super) fn keep(&mut self, key: &str, loaded: Loaded<A>) {
        if self.kept.len() >= KEPT {
            self.kept.clear();
        }
        self.kept.insert(key.to_owned(), loaded);
    }
}

impl<A: Aggregate> Loaded<A> {
    pub(super) fn entry(&self) -> Option<&EntryOf<A>> {
        match &self.state {
            Known::Entry(entry) => Some(entry),
            Known::Nothing | Known::Unreadable => None,
        }
    }
}
