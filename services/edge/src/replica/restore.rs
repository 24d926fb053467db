//! Opening a replica: the newest usable snapshot, then the frames after it.

use eventlog::{EventLog, Follow, Live, Position, PositionError, ReadError, Snapshot};
use schemas::frame::Frame;
use schemas::subjects::{AREA_EVENTS, area_events};
use schemas::{AreaId, Digest, Incarnation, Sequence, UnixMillis, decode};
use world::{AreaState, FoldError};

use super::departed::LeftLately;

/// How many frames are read at a time.
const BATCH: usize = 256;

/// An area's state, and where in the log it stands.
pub(crate) struct Restored {
    /// The state.
    pub(crate) state: AreaState,
    /// After this frame.
    pub(crate) sequence: Sequence,
    /// Of this life of the stream.
    pub(crate) incarnation: Incarnation,
    /// Who has left lately.
    pub(crate) left: LeftLately,
}

/// Why a replica cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    /// The log cannot be read now: try again.
    #[error("reading the area's frames")]
    Read(#[from] ReadError),
    /// The log does not fold: an operator has to look.
    #[error("folding the area's frames from the beginning")]
    Fold(#[source] BadFrame),
}

/// A frame that cannot be part of this area's history.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadFrame {
    /// Its bytes are no frame.
    #[error("frame at sequence {0} cannot be decoded")]
    Undecodable(Sequence, #[source] schemas::DecodeError),
    /// It does not fold.
    #[error("frame at sequence {0} does not fold")]
    Fold(Sequence, #[source] FoldError),
}

/// Folds one frame's bytes into `state`.
pub(crate) fn fold(
    state: &mut AreaState,
    sequence: Sequence,
    bytes: &[u8],
) -> Result<Frame, BadFrame> {
    let frame: Frame = decode(bytes).map_err(|why| BadFrame::Undecodable(sequence, why))?;
    state
        .fold(&frame, Digest::of(bytes))
        .map_err(|why| BadFrame::Fold(sequence, why))?;
    Ok(frame)
}

/// Opens `area`, and what comes next.
pub(crate) async fn restore(
    log: &EventLog,
    area: &AreaId,
) -> Result<(Restored, Live), RestoreError> {
    let incarnation = log.stream_info(AREA_EVENTS).await?.incarnation;
    let snapshots = log.snapshots().load(area).await.unwrap_or_else(|error| {
        tracing::warn!(area.id = %area, %error, "no snapshot can be read; folding the whole log");
        Vec::new()
    });
    for snapshot in snapshots {
        let Some((mut state, mut sequence)) = usable(log, area, &snapshot).await? else {
            continue;
        };
        match fold_tail(log, area, &mut state, &mut sequence).await? {
            Ok(left) => return follow(log, state, sequence, (incarnation, left)).await,
            Err(why) => {
                let error = &why as &dyn std::error::Error;
                tracing::error!(area.id = %area, error, "the log does not continue this snapshot; trying an older one");
            }
        }
    }
    let mut state = AreaState::new(area.clone(), area.map());
    let mut sequence = Sequence(0);
    let left = fold_tail(log, area, &mut state, &mut sequence)
        .await?
        .map_err(RestoreError::Fold)?;
    follow(log, state, sequence, (incarnation, left)).await
}

async fn follow(
    log: &EventLog,
    state: AreaState,
    sequence: Sequence,
    (incarnation, left): (Incarnation, LeftLately),
) -> Result<(Restored, Live), RestoreError> {
    let live = log.live(&area_events(state.area()), sequence).await?;
    let restored = Restored {
        state,
        sequence,
        incarnation,
        left,
    };
    Ok((restored, live))
}

/// The state in a snapshot, if the log knows the frame after which it was taken.
async fn usable(
    log: &EventLog,
    area: &AreaId,
    snapshot: &Snapshot,
) -> Result<Option<(AreaState, Sequence)>, ReadError> {
    let point = snapshot.point;
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
            return Ok(None);
        }
    }
    match decode::<AreaState>(&snapshot.state) {
        Ok(state) => Ok(Some((state, point.sequence))),
        Err(why) => {
            tracing::warn!(area.id = %area, event.seq = point.sequence.0, %why, "passing over a snapshot");
            Ok(None)
        }
    }
}

async fn fold_tail(
    log: &EventLog,
    area: &AreaId,
    state: &mut AreaState,
    sequence: &mut Sequence,
) -> Result<Result<LeftLately, BadFrame>, ReadError> {
    let subjects = vec![area_events(area)];
    let mut reader = log.read(AREA_EVENTS, subjects, *sequence, Follow::UntilHead);
    let mut left = LeftLately::default();
    loop {
        let batch = reader.next_batch(BATCH).await?;
        if batch.is_empty() {
            return Ok(Ok(left));
        }
        for record in batch {
            match fold(state, record.sequence, &record.payload) {
                Ok(frame) => left.note(area, &frame),
                Err(why) => return Ok(Err(why)),
            }
            *sequence = record.sequence;
        }
        left.forget_old(UnixMillis::now());
    }
}
