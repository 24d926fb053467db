//! Which areas nobody can open: their first frames are purged, and no snapshot stands in for them.
//!
//! Folding them out of the archive, as `replay verify` does, says nothing of that: whoever owns an area
//! reads the broker alone.

use eventlog::{EventLog, Follow, Position, PositionError, ReadError, Record, Snapshot};
use schemas::frame::Frame;
use schemas::subjects::{AREA_EVENTS, Subject};
use schemas::{AreaId, FrameNo, Sequence, decode};
use world::AreaState;

/// Names them.
pub(super) async fn closed(log: &EventLog) -> Result<Vec<AreaId>, ReadError> {
    let mut closed = Vec::new();
    for (subject, _) in log.subjects(AREA_EVENTS, "evt.area.>").await? {
        let Subject::AreaEvents(area) = Subject::parse(&subject) else {
            continue;
        };
        let filters = vec![subject.clone()];
        let mut frames = log.read(AREA_EVENTS, filters, Sequence(0), Follow::UntilHead);
        let Some(first) = frames.next().await? else {
            continue;
        };
        // One that is no frame is `replay verify`'s to name.
        let Ok(frame) = decode::<Frame>(&first.payload) else {
            continue;
        };
        if frame.no != FrameNo(1) && !opens(log, &area, &first, &frame).await? {
            closed.push(area);
        }
    }
    Ok(closed)
}

/// Whether a snapshot leads on to the frames that are there, of which `first` is the first.
async fn opens(
    log: &EventLog,
    area: &AreaId,
    first: &Record,
    frame: &Frame,
) -> Result<bool, ReadError> {
    for Snapshot { point, state } in log.snapshots().load(area).await? {
        // Nothing may be missing in between.
        if point.sequence < first.sequence && point.digest != frame.prev {
            continue;
        }
        let position = Position {
            incarnation: point.incarnation,
            sequence: point.sequence,
            digest: point.digest,
        };
        match log.check_subject(&first.subject, &position).await {
            Ok(_) => {}
            Err(PositionError::Read(error)) => return Err(error),
            Err(_) => continue,
        }
        let state = decode::<AreaState>(&state);
        if state.is_ok_and(|state| state.area() == area && state.last_digest() == point.digest) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests;
