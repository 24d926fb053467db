//! Folding all areas to one cut: newest snapshots first, then the sequence, then the frames
//! between, so that no snapshot lies after the cut.

use std::collections::{BTreeMap, BTreeSet};

use eventlog::{EventLog, Follow, Position, PositionError, ReadError, Snapshot};
use schemas::frame::Frame;
use schemas::subjects::{AREA_EVENTS, Domain, Subject, area_events};
use schemas::{AreaId, Digest, Sequence};
use world::AreaState;

use super::SearchError;
use super::cut::Cut;

/// How many messages are read at a time.
const BATCH: usize = 256;

/// Folds the world as it is now.
pub(super) async fn world(log: &EventLog) -> Result<Cut, SearchError> {
    let mut snapshots = BTreeMap::new();
    for area in opened(log).await? {
        let newest = log.snapshots().load(&area).await?;
        snapshots.insert(area, newest);
    }
    let info = log.stream_info(AREA_EVENTS).await?;
    let mut areas = BTreeMap::new();
    // An area is opened before its first frame, so whatever is in the cut has been opened by now.
    for area in opened(log).await? {
        let state = match snapshots.remove(&area) {
            Some(snapshots) => from_snapshot(log, &area, snapshots).await?,
            None => None,
        };
        let whole = || (AreaState::new(area.clone(), area.map()), Sequence(0));
        let state = fold(log, state.unwrap_or_else(whole), info.last).await?;
        areas.insert(area, state);
    }
    Ok(Cut {
        at: info.last,
        incarnation: info.incarnation,
        areas,
    })
}

/// All areas that have ever been opened.
async fn opened(log: &EventLog) -> Result<BTreeSet<AreaId>, ReadError> {
    let stream = Domain::Control.event_stream();
    let mut reader = log.read(stream, Vec::new(), Sequence(0), Follow::UntilHead);
    let mut areas = BTreeSet::new();
    while let Some(record) = reader.next().await? {
        if let Subject::KeyedEvents(Domain::Control, key) = Subject::parse(&record.subject)
            && let Ok(area) = key.parse()
        {
            areas.insert(area);
        }
    }
    Ok(areas)
}

/// The newest snapshot that the log knows.
async fn from_snapshot(
    log: &EventLog,
    area: &AreaId,
    snapshots: Vec<Snapshot>,
) -> Result<Option<(AreaState, Sequence)>, ReadError> {
    for Snapshot { point, state } in snapshots {
        let position = Position {
            incarnation: point.incarnation,
            sequence: point.sequence,
            digest: point.digest,
        };
        match log.check_position(AREA_EVENTS, &position).await {
            Ok(_) => {}
            Err(PositionError::Read(error)) => return Err(error),
            Err(why) => {
                tracing::warn!(area.id = %area, event.seq = point.sequence.0, %why, "passing over a snapshot");
                continue;
            }
        }
        match schemas::decode(&state) {
            Ok(state) => return Ok(Some((state, point.sequence))),
            Err(why) => {
                tracing::warn!(area.id = %area, event.seq = point.sequence.0, %why, "passing over a snapshot");
            }
        }
    }
    Ok(None)
}

/// Folds the frames up to `end`.
async fn fold(
    log: &EventLog,
    (mut state, after): (AreaState, Sequence),
    end: Sequence,
) -> Result<AreaState, SearchError> {
    let subjects = vec![area_events(state.area())];
    let mut reader = log.read(AREA_EVENTS, subjects, after, Follow::UntilHead);
    loop {
        let batch = reader.next_batch(BATCH).await?;
        if batch.is_empty() {
            return Ok(state);
        }
        for record in batch {
            if record.sequence > end {
                return Ok(state);
            }
            let broken = |why: &dyn std::fmt::Display| {
                SearchError::NoCut(format!("{} at {}: {why}", record.subject, record.sequence))
            };
            let frame: Frame = schemas::decode(&record.payload).map_err(|why| broken(&why))?;
            let folded = state.fold(&frame, Digest::of(&record.payload));
            folded.map_err(|why| broken(&why))?;
        }
    }
}
