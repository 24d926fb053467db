//! An area as it was: the nearest snapshot and the frames after it, or the frames from the first.
//!
//! Snapshots are the owner's own last two, and those of the index. Whatever is wrong with one, the log has it all.

use eventlog::{Follow, Record, Snapshot};
use past::Past;
use schemas::frame::Frame;
use schemas::ids::Digest;
use schemas::subjects::{AREA_EVENTS, area_events};
use schemas::{AreaId, Sequence, Step, Tick, UnixMillis};
use world::AreaState;

use crate::ReplayError;
use crate::index::{Index, Mark};
use crate::moment::Moment;
use crate::progress::Progress;
use crate::skipped::{Skipped, Skips};

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

    fn is_past(self, tick: Tick, at: UnixMillis, sequence: Sequence) -> bool {
        match self {
            Self::At(Moment::Now) => false,
            Self::At(Moment::Tick(end)) => tick > end,
            Self::At(Moment::Time(end)) => at > end,
            Self::Before(end) => sequence >= end,
        }
    }
}

impl Then {
    const fn new(state: AreaState, sequence: Sequence) -> Self {
        Self {
            state,
            sequence,
            goes_on: false,
        }
    }

    /// The step that `moment` means: between two frames bodies move on along their segments; after the last nothing is
    /// known.
    pub(crate) const fn step(&self, moment: Moment) -> Step {
        match moment {
            Moment::Tick(tick) if self.goes_on => tick.last_step(),
            Moment::Tick(_) | Moment::Time(_) | Moment::Now => self.state.step(),
        }
    }

    /// Refuses a moment before the area's first frame.
    pub(crate) fn expect_begun(&self, moment: Moment) -> Result<(), ReplayError> {
        if self.state.frame_no().0 > 0 {
            return Ok(());
        }
        Err(ReplayError::Usage(format!(
            "area {} has no frame at or before {moment}; `worldline replay list` shows from when to when there are some",
            self.state.area()
        )))
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
    nearest(past, None, area, stop).await
}

/// As [`nearest`], but what does not fold is skipped: the area is then as it was before the damage.
pub(crate) async fn nearest_tolerant(
    past: &Past,
    index: Option<&Index>,
    area: &AreaId,
    stop: Stop,
    skips: &mut Skips,
) -> Result<Then, ReplayError> {
    let broken = match nearest(past, index, area, stop).await {
        Err(error) => skips.why(error)?,
        done => return done,
    };
    let start = Then::new(AreaState::new(area.clone(), area.map()), Sequence(0));
    let start = from_snapshot(past, index, area, stop)
        .await?
        .unwrap_or(start);
    let then = onward(past, area, start, stop, true).await?;
    skips.skip(Skipped {
        stream: AREA_EVENTS.to_owned(),
        from: then.sequence.next(),
        to: past.span(AREA_EVENTS).await?.last,
        place: Some(area.to_string()),
        why: broken,
    })?;
    Ok(then)
}

/// As [`area`], from the nearest snapshot of the index too.
pub(crate) async fn nearest(
    past: &Past,
    index: Option<&Index>,
    area: &AreaId,
    stop: Stop,
) -> Result<Then, ReplayError> {
    if let Some(start) = from_snapshot(past, index, area, stop).await? {
        match onward(past, area, start, stop, false).await {
            Err(ReplayError::Broken(why)) => {
                eprintln!(
                    "a snapshot of {area} does not lead on ({why}); folding from the first frame"
                );
            }
            done => return done,
        }
    }
    let start = Then::new(AreaState::new(area.clone(), area.map()), Sequence(0));
    onward(past, area, start, stop, false).await
}

/// The last snapshot before the end that was taken of this very log.
async fn from_snapshot(
    past: &Past,
    index: Option<&Index>,
    area: &AreaId,
    stop: Stop,
) -> Result<Option<Then>, ReplayError> {
    let mut kept = kept(past, area, stop).await;
    let mut marks = marks(past, index, area, stop).await?;
    loop {
        let newest = kept.last().map_or(Sequence(0), |then| then.sequence);
        let then = match (marks.pop_if(|mark| mark.sequence > newest), index) {
            (Some(mark), Some(index)) => index
                .load(area, &mark)
                .await
                .map(|state| Then::new(state, mark.sequence)),
            _ => match kept.pop() {
                Some(then) => Some(then),
                None => return Ok(None),
            },
        };
        if let Some(then) = then
            && stands_there(past, &then).await?
        {
            return Ok(Some(then));
        }
    }
}

/// The owner's last two before the end, the newer one last.
async fn kept(past: &Past, area: &AreaId, stop: Stop) -> Vec<Then> {
    let Some(log) = past.log() else {
        return Vec::new();
    };
    let (Ok(span), Ok(snapshots)) = (
        past.span(AREA_EVENTS).await,
        log.snapshots().load(area).await,
    ) else {
        return Vec::new();
    };
    let usable = |snapshot: Snapshot| {
        let point = snapshot.point;
        let state: AreaState = schemas::decode(&snapshot.state).ok()?;
        let known = span.lineage.knows(point.incarnation, point.sequence)
            && state.last_digest() == point.digest
            && !stop.is_past(state.tick(), state.at(), point.sequence);
        known.then(|| Then::new(state, point.sequence))
    };
    snapshots.into_iter().rev().filter_map(usable).collect()
}

/// Those of the index before the end, the last one last.
async fn marks(
    past: &Past,
    index: Option<&Index>,
    area: &AreaId,
    stop: Stop,
) -> Result<Vec<Mark>, ReplayError> {
    let Some(index) = index else {
        return Ok(Vec::new());
    };
    let mut marks = match index.marks(area).await {
        Ok(marks) => marks,
        Err(error) => {
            let place = index.place();
            eprintln!("the index in {place} cannot be listed ({error}); going on without it");
            return Ok(Vec::new());
        }
    };
    let span = past.span(AREA_EVENTS).await?;
    marks.retain(|mark| {
        span.lineage.knows(mark.incarnation, mark.sequence)
            && mark.sequence <= span.last
            && !stop.is_past(mark.tick, mark.at, mark.sequence)
    });
    Ok(marks)
}

/// Whether the frame after which it was taken stands there now, or is not there any more. Where that is damaged nobody
/// can tell, and another one will do.
async fn stands_there(past: &Past, then: &Then) -> Result<bool, ReplayError> {
    let there = match past.get(AREA_EVENTS, then.sequence).await {
        Err(error) if error.skip_to().is_some() => return Ok(false),
        there => there?,
    };
    Ok(there.is_none_or(|record| Digest::of(&record.payload) == then.state.last_digest()))
}

/// Folds on to the end, or with `forgiving` to the first frame that does not fold.
async fn onward(
    past: &Past,
    area: &AreaId,
    mut then: Then,
    stop: Stop,
    forgiving: bool,
) -> Result<Then, ReplayError> {
    let mut progress = Progress::new("frames folded", 0);
    let filters = vec![area_events(area)];
    let mut reader = past.read(AREA_EVENTS, filters, then.sequence, Follow::UntilHead);
    loop {
        let record = match reader.next().await {
            Ok(Some(record)) => record,
            Ok(None) => break,
            Err(error) if forgiving && error.skip_to().is_some() => break,
            Err(error) => return Err(error.into()),
        };
        let before = forgiving.then(|| then.state.clone());
        let folded = frame(&record).and_then(|next| {
            if stop.is_before(record.sequence, &next) {
                return Ok(false);
            }
            fold(&mut then.state, &next, &record).map(|()| true)
        });
        match (folded, before) {
            (Ok(true), _) => then.sequence = record.sequence,
            (Ok(false), _) => {
                then.goes_on = true;
                break;
            }
            (Err(ReplayError::Broken(_)), Some(before)) => {
                then.state = before;
                break;
            }
            (Err(error), _) => return Err(error),
        }
        progress.step();
    }
    Ok(then)
}
