//! Which areas there are and how each is led: the control domain as the log tells it, and the
//! duties of the fleet domain beside it.

use std::collections::BTreeMap;

use eventlog::{EventLog, Follow, ReadError, Record};
use schemas::control::{AreaControl, ControlEvent, FleetEvent, WorkerControl};
use schemas::keyed::KeyedEntry;
use schemas::subjects::{AggregateId, Domain, Subject};
use schemas::{AreaId, Sequence, WorkerId, decode};
use serde::de::DeserializeOwned;

use crate::opened::VOID;

/// An open area as its control says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenArea {
    /// Its control's state.
    pub control: AreaControl,
    /// It has been steered and has not confirmed that yet.
    pub unconfirmed: bool,
}

/// All open areas.
#[derive(Debug, Clone, Default)]
pub struct Book {
    areas: BTreeMap<AreaId, OpenArea>,
}

impl Book {
    /// Reads what the log says now, and up to where that was read.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn read(log: &EventLog) -> Result<(Self, Sequence), ReadError> {
        let mut book = Self::default();
        let after = each(log, Domain::Control, |record| {
            book.note(record);
        });
        let after = after.await?;
        Ok((book, after))
    }

    /// Takes note of an entry; tells which area it is about.
    pub fn note(&mut self, record: &Record) -> Option<AreaId> {
        let (key, entry) = entry::<ControlEvent, AreaControl>(Domain::Control, record)?;
        let area = AreaId::new(key).ok()?;
        entry.state.map.as_ref()?;
        let target = AggregateId::Area(area.clone());
        let open = OpenArea {
            unconfirmed: entry.outbox.pending.iter().any(|e| e.target == target),
            control: entry.state,
        };
        self.areas.insert(area.clone(), open);
        Some(area)
    }

    /// An area was opened by our own hand; its entry comes later.
    pub fn opened(&mut self, area: &AreaId, map: &str) {
        self.areas.entry(area.clone()).or_insert_with(|| OpenArea {
            control: AreaControl {
                map: Some(map.to_owned()),
                closed: map == VOID,
                ..AreaControl::default()
            },
            unconfirmed: false,
        });
    }

    /// What is known of `area`, if it is open.
    #[must_use]
    pub fn get(&self, area: &AreaId) -> Option<&OpenArea> {
        self.areas.get(area)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&AreaId, &OpenArea)> {
        self.areas.iter()
    }
}

/// The duties that the log knows now, and up to where that was read.
///
/// # Errors
/// When the log cannot be read.
pub async fn duties(
    log: &EventLog,
) -> Result<(BTreeMap<WorkerId, WorkerControl>, Sequence), ReadError> {
    let mut duties = BTreeMap::new();
    let after = each(log, Domain::Fleet, |record| duties.extend(duty(record)));
    let after = after.await?;
    Ok((duties, after))
}

/// Whose duty an entry of the fleet domain is about, and which that is now.
#[must_use]
pub fn duty(record: &Record) -> Option<(WorkerId, WorkerControl)> {
    let (worker, entry) = entry::<FleetEvent, WorkerControl>(Domain::Fleet, record)?;
    Some((worker, entry.state))
}

async fn each(
    log: &EventLog,
    domain: Domain,
    mut note: impl FnMut(&Record),
) -> Result<Sequence, ReadError> {
    let stream = domain.event_stream();
    let mut reader = log.read(stream, Vec::new(), Sequence(0), Follow::UntilHead);
    let mut after = Sequence(0);
    while let Some(record) = reader.next().await? {
        note(&record);
        after = record.sequence;
    }
    Ok(after)
}

fn entry<E: DeserializeOwned, S: DeserializeOwned>(
    domain: Domain,
    record: &Record,
) -> Option<(String, KeyedEntry<E, S>)> {
    let Subject::KeyedEvents(found, key) = Subject::parse(&record.subject) else {
        return None;
    };
    if found != domain {
        return None;
    }
    match decode(&record.payload) {
        Ok(entry) => Some((key, entry)),
        Err(error) => {
            tracing::error!(event.subject = record.subject, event.seq = record.sequence.0, %error,
                "an entry cannot be read; what it says is not followed");
            None
        }
    }
}
