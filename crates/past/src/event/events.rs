//! From messages to events.

use std::collections::BTreeMap;
use std::sync::Arc;

use eventlog::Record;
use schemas::frame::Frame;
use schemas::subjects::Subject;
use serde::{Deserialize, Serialize};

use super::area::Area;
use super::{Event, EventError, keyed};

/// Takes the events out of messages. A frame speaks of bodies by their handles and of motion by its differences, so
/// an area's frames are given to it from the first one on, in order; streams may be mixed.
///
/// What it knows of the areas can be saved and restored, to go on behind a message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    /// By the subject of their frames.
    areas: BTreeMap<String, Area>,
    /// Names of streams that were met.
    #[serde(skip)]
    streams: Vec<Arc<str>>,
}

impl Events {
    /// Knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The events of `record`, a message of an event stream, in their order. A frame in which nothing happened but
    /// that time went on has none.
    ///
    /// # Errors
    /// See [`EventError`]. To go on behind it, call [`Events::lost`].
    pub fn of(&mut self, record: &Record) -> Result<Vec<Event>, EventError> {
        let stream = self.stream(&record.stream);
        if let Some(area) = self.areas.get_mut(&record.subject) {
            return area.frame(&stream, record, decoded(record)?);
        }
        match Subject::parse(&record.subject) {
            Subject::AreaEvents(id) => {
                let mut area = Area::new(id);
                let events = area.frame(&stream, record, decoded(record)?);
                self.areas.insert(record.subject.clone(), area);
                events
            }
            Subject::KeyedEvents(domain, key) => keyed::entry(domain, &key, &stream, record),
            _ => Err(EventError::Subject {
                stream: record.stream.clone(),
                sequence: record.sequence,
                subject: record.subject.clone(),
            }),
        }
    }

    /// A message on `subject`, or any number of them, cannot be had. What follows is told all the same; of bodies
    /// that came meanwhile it is not told who they are nor how they move, until they arrive again.
    pub fn lost(&mut self, subject: &str) {
        if let Subject::AreaEvents(id) = Subject::parse(subject) {
            self.areas
                .entry(subject.to_owned())
                .or_insert_with(|| Area::new(id))
                .lost();
        }
    }

    /// As [`Events::lost`], of every area that is known.
    pub fn lost_any(&mut self) {
        self.areas.values_mut().for_each(Area::lost);
    }

    /// What it knows, to go on behind the last message.
    #[must_use]
    pub fn save(&self) -> Vec<u8> {
        schemas::encode(self)
    }

    /// As it was when `bytes` were saved.
    ///
    /// # Errors
    /// [`EventError::Saved`] when they are not what [`Events::save`] wrote.
    pub fn restore(bytes: &[u8]) -> Result<Self, EventError> {
        schemas::decode(bytes).map_err(EventError::Saved)
    }

    fn stream(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.streams.iter().find(|known| &***known == name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = name.into();
        self.streams.push(Arc::clone(&new));
        new
    }
}

fn decoded(record: &Record) -> Result<Frame, EventError> {
    schemas::decode(&record.payload).map_err(|source| unreadable(record, source))
}

pub(super) fn unreadable(record: &Record, source: schemas::DecodeError) -> EventError {
    EventError::Unreadable {
        stream: record.stream.clone(),
        sequence: record.sequence,
        source,
    }
}
