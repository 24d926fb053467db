//! An area as it was: the nearest snapshot and the frames after it, or the frames from the first.

use eventlog::{Follow, Record, Snapshot};
use past::Past;
use schemas::frame::Frame;
use schemas::ids::Digest;
use schemas::subjects::{AREA_EVENTS, area_events};
use schemas::{AreaId, Sequence, UnixMillis};
use world::AreaState;

use crate::ReplayError;
use crate::moment::Moment;
use crate::progress::Progress;

/// The state of an area after a frame.
#[derive(Debug, Clone)]
pub(crate) struct Then {
    pub(crate) state: AreaState,
    /// The frame after which it stands; 0 before the first.
    pub(crate) sequence: Sequence,
    /// Whether the log goes on after it.
    pub(crate) goes_on: bool,
}

/// Where to stop.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stop {
    /// After the last frame at or before that moment.
    At(Moment),
    /// Before the frame at that sequence.
    Before(Sequence),
}

impl Stop {
    fn is_before(self, sequence: Sequence, frame: &Frame) -> bool {
        match self {
            Self::At(Moment::Now) => false,
            Self::At(Moment::Tick(tick)) => frame.tick > tick,
            Self::At(Moment::Time(time)) => frame.at > time,
            Self::Before(end) => sequence >= end,
        }
    }

    fn is_past(self, then: &Then) -> bool {
        let (tick, at): (_, UnixMillis) = (then.state.tick(), then.state.at());
        match self {
            Self::At(Moment::Now) => false,
            Self::At(Moment::Tick(end)) => tick > end,
            Self::At(Moment::Time(end)) => at > end,
            Self::Before(end) => then.sequence >= end,
        }
    }
}

fn broken(record: &Record, why: &dyn std::fmt::Display) -> ReplayError {
    let (sequence, subject) = (record.sequence, &record.subject);
    ReplayError::Broken(format!("message {sequence} on {subject}: {why}"))
}

/// The frame that a message is.
pub(crate) fn frame(record: &Record) -> Result<Frame, ReplayError> {
    schemas::decode(&record.payload).map_err(|error| broken(record, &error))
}

/// Folds the next frame, chain and hashes checked.
pub(crate) fn fold(
    state: &mut AreaState,
    frame: &Frame,
    record: &Record,
) -> Result<(), ReplayError> {
    state
        .fold(frame, Digest::of(&record.payload))
        .map_err(|error| broken(record, &error))
}

/// The area as it was.
pub(crate) async fn area(past: &Past, area: &AreaId, stop: Stop) -> Result<Then, ReplayError> {
    if let Some(start) = from_snapshot(past, area, stop).await? {
        match onward(past, area, start, stop).await {
            Err(ReplayError::Broken(why)) => {
                eprintln!(
                    "a snapshot of {area} does not lead on ({why}); folding from the first frame"
                );
            }
            done => return done,
        }
    }
    let start = Then {
        state: AreaState::new(area.clone(), area.map()),
        sequence: Sequence(0),
        goes_on: false,
    };
    onward(past, area, start, stop).await
}

async fn from_snapshot(
    past: &Past,
    area: &AreaId,
    stop: Stop,
) -> Result<Option<Then>, ReplayError> {
    // Snapshots only save time: whatever is wrong with them, the log has it all.
    let Some(log) = past.log() else {
        return Ok(None);
    };
    let Ok(snapshots) = log.snapshots().load(area).await else {
        return Ok(None);
    };
    for snapshot in snapshots {
        if let Some(then) = usable(past, &snapshot).await?
            && !stop.is_past(&then)
        {
            return Ok(Some(then));
        }
    }
    Ok(None)
}

/// Its state, if it was taken after the very frame that stands there now.
async fn usable(past: &Past, snapshot: &Snapshot) -> Result<Option<Then>, ReplayError> {
    let (point, info) = (snapshot.point, past.span(AREA_EVENTS).await?);
    if !info.lineage.knows(point.incarnation, point.sequence) {
        return Ok(None);
    }
    let there = past.get(AREA_EVENTS, point.sequence).await?;
    let same = there.is_none_or(|record| Digest::of(&record.payload) == point.digest);
    Ok(schemas::decode(&snapshot.state)
        .ok()
        .filter(|_| same)
        .map(|state| Then {
            state,
            sequence: point.sequence,
            goes_on: false,
        }))
}

async fn onward(
    past: &Past,
    area: &AreaId,
    mut then: Then,
    stop: Stop,
) -> Result<Then, ReplayError> {
    let mut progress = Progress::new("frames folded", 0);
    let filters = vec![area_events(area)];
    let mut reader = past.read(AREA_EVENTS, filters, then.sequence, Follow::UntilHead);
    while let Some(record) = reader.next().await? {
        let next = frame(&record)?;
        if stop.is_before(record.sequence, &next) {
            then.goes_on = true;
            break;
        }
        fold(&mut then.state, &next, &record)?;
        then.sequence = record.sequence;
        progress.step();
    }
    Ok(then)
}
