//! Folding a whole stream of frames: all areas at once, in the order of the stream.

use std::collections::HashMap;

use eventlog::Record;
use schemas::subjects::Subject;
use schemas::{AreaId, Sequence};
use world::AreaState;

use crate::ReplayError;
use crate::history;

/// The areas, each as it stands after its last frame read.
#[derive(Debug, Default)]
pub struct Folding {
    /// By subject, which is what a message names.
    areas: HashMap<String, Folded>,
}

/// An area, and how far it has been folded.
#[derive(Debug)]
pub struct Folded {
    /// As it stands.
    pub state: AreaState,
    /// Its last frame.
    pub sequence: Sequence,
    /// A frame did not follow: nothing after it can be folded.
    pub broken: bool,
}

impl Folding {
    /// Goes on from an area's state after the frame at `sequence`.
    pub fn resume(&mut self, state: AreaState, sequence: Sequence) {
        let subject = schemas::subjects::area_events(state.area());
        let folded = Folded {
            state,
            sequence,
            broken: false,
        };
        self.areas.insert(subject, folded);
    }

    /// Folds a message of `AREA_EVENTS`; `None` if its area is broken already.
    ///
    /// # Errors
    /// When it is no frame, or not the one that follows; its area is broken from here on.
    pub fn fold(&mut self, record: &Record) -> Result<Option<&Folded>, ReplayError> {
        // Looked up twice, because what is inserted must be owned and is so only once an area.
        if !self.areas.contains_key(&record.subject) {
            let area = area(record)?;
            let state = AreaState::new(area.clone(), area.map());
            self.resume(state, Sequence(0));
        }
        let Some(folded) = self.areas.get_mut(&record.subject) else {
            return Ok(None);
        };
        if folded.broken {
            return Ok(None);
        }
        let done = history::frame(record)
            .and_then(|frame| history::fold(&mut folded.state, &frame, record));
        if let Err(error) = done {
            folded.broken = true;
            return Err(error);
        }
        folded.sequence = record.sequence;
        Ok(Some(folded))
    }

    /// All areas, in no order.
    pub fn areas(&self) -> impl Iterator<Item = &Folded> {
        self.areas.values()
    }
}

fn area(record: &Record) -> Result<AreaId, ReplayError> {
    match Subject::parse(&record.subject) {
        Subject::AreaEvents(area) => Ok(area),
        _ => Err(ReplayError::Broken(format!(
            "message {} on {} is on no subject of an area",
            record.sequence, record.subject
        ))),
    }
}
