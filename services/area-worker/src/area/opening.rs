//! Whether an area may be owned at all: its first frame is allowed only after it has been opened.

use eventlog::{EventLog, ReadError};
use schemas::control::{AreaControl, ControlEvent};
use schemas::keyed::KeyedEntry;
use schemas::subjects::{Domain, keyed_events};
use schemas::{AreaId, DecodeError, decode};
use world::Map;

/// What an area was opened with.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    /// Its map.
    pub(crate) map: &'static Map,
    /// The seed of its random numbers.
    pub(crate) seed: u64,
}

/// Why an area cannot be owned (yet).
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpeningError {
    /// Nobody has opened it; the director will, or will not.
    #[error("{0} has not been opened")]
    NotOpened(AreaId),
    /// This build lacks its map: a newer worker may have it.
    #[error("this build has no map {map:?} for {area}; start a worker of a build that has it")]
    NoMap {
        /// The area.
        area: AreaId,
        /// Its map.
        map: String,
    },
    /// What stands in its control log cannot be read: a newer build wrote it.
    #[error("what evt.control says of {area} cannot be read")]
    Undecodable {
        /// The area.
        area: AreaId,
        /// Why.
        source: DecodeError,
    },
    /// The log could not be asked.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Reads how `area` was opened.
pub(crate) async fn read(log: &EventLog, area: &AreaId) -> Result<Opening, OpeningError> {
    let subject = keyed_events(Domain::Control, area.as_str());
    let not_opened = || OpeningError::NotOpened(area.clone());
    let record = log.last(&subject).await?.ok_or_else(not_opened)?;
    let entry: KeyedEntry<ControlEvent, AreaControl> =
        decode(&record.payload).map_err(|source| OpeningError::Undecodable {
            area: area.clone(),
            source,
        })?;
    let name = entry.state.map.ok_or_else(not_opened)?;
    let builtin = world::maps::builtin(&name).ok_or_else(|| OpeningError::NoMap {
        area: area.clone(),
        map: name.clone(),
    })?;
    Ok(Opening {
        map: &builtin.map,
        seed: entry.state.seed,
    })
}
