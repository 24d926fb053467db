//! Entries of keyed aggregates: readable, of one life, never going back.

use std::collections::HashMap;

use eventlog::Record;
use schemas::keyed::KeyedEntry;
use schemas::subjects::{Domain, Subject};
use schemas::{Sequence, UnixMillis};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::report::Report;

/// The last entry of each key of a domain.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Keys(HashMap<String, (Sequence, UnixMillis, schemas::Incarnation)>);

/// A message of a domain's event stream.
#[derive(Debug)]
pub(super) enum Read<E, S> {
    /// As it should be: key and entry.
    Entry(String, Box<KeyedEntry<E, S>>),
    /// Neither.
    Unreadable(String),
}

pub(super) fn read<E: DeserializeOwned, S: DeserializeOwned>(
    domain: Domain,
    record: &Record,
) -> Read<E, S> {
    match Subject::parse(&record.subject) {
        Subject::KeyedEvents(of, key) if of == domain => match schemas::decode(&record.payload) {
            Ok(entry) => Read::Entry(key, Box::new(entry)),
            Err(error) => Read::Unreadable(error.to_string()),
        },
        _ => Read::Unreadable(format!("{} is not a subject of it", record.subject)),
    }
}

impl Keys {
    /// Compares an entry with the one before it.
    pub(super) fn check<E, S>(
        &mut self,
        domain: Domain,
        record: &Record,
        key: &str,
        entry: &KeyedEntry<E, S>,
        report: &mut Report,
    ) {
        report.entries += 1;
        let now = (entry.handled, entry.at, entry.incarnation);
        let Some((handled, at, incarnation)) = self.0.insert(key.to_owned(), now) else {
            return;
        };
        let mut found = |message: String| {
            let place = format!("{}.{key}", domain.token());
            report.find(
                "entry",
                domain.event_stream(),
                record.sequence,
                Some(&place),
                message,
            );
        };
        if incarnation == entry.incarnation && entry.handled <= handled {
            found(format!(
                "it has handled command {} after command {handled}",
                entry.handled
            ));
        }
        if entry.at < at {
            found(format!("its time goes back from {at} to {}", entry.at));
        }
    }
}
