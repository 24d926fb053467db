//! Bringing an area's state back: the newest usable snapshot and the frames after it, else the
//! older snapshot, else the whole log.
//!
//! A snapshot that cannot be read, or from which the log does not go on, is passed over. A log that
//! ends before a snapshot, or is another log, is not: then frames that were acknowledged are
//! missing, and guessing would make it worse.

use eventlog::{EventLog, Follow, PositionError, ReadError, Record, Snapshot};
use schemas::frame::Frame;
use schemas::subjects::{AREA_EVENTS, area_events};
use schemas::{AreaId, DecodeError, Digest, Sequence, decode};
use world::{AreaState, FoldError};

/// Frames folded in one go off the async threads.
const FOLD_AT_ONCE: usize = 512;

/// An area as the log has it.
#[derive(Debug)]
pub(crate) struct Restored {
    /// Its state.
    pub(crate) state: AreaState,
    /// Its last frame's place in the log; 0 when it has none.
    pub(crate) sequence: Sequence,
    /// That frame as the log has it, unless it is a snapshot's.
    pub(crate) last: Option<Record>,
    /// Frames folded since the snapshot.
    pub(crate) frames: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
}

/// Why an area cannot be restored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    /// The log could not be asked; try again.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Acknowledged frames are missing from the log. Bring them back, or remove the area's
    /// snapshots if the loss is meant.
    #[error(
        "the log of {area} is not the one its snapshot was taken of: acknowledged frames are missing or others; \
         the area stands still until an operator has decided"
    )]
    OtherLog {
        /// The area.
        area: AreaId,
        /// What does not fit.
        source: PositionError,
    },
    /// The frames themselves do not fold: better stopped than wrong.
    #[error("the log of {area} cannot be folded at sequence {sequence}")]
    Broken {
        /// The area.
        area: AreaId,
        /// The frame.
        sequence: Sequence,
        /// What does not fit.
        source: BrokenFrame,
    },
    /// Folding panicked: a bug.
    #[error("folding the log of {0} panicked")]
    Panicked(AreaId),
}

/// What is wrong with a frame.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrokenFrame {
    /// It is not a frame.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It does not follow.
    #[error(transparent)]
    Fold(#[from] FoldError),
}

/// Restores `area`, which stands on the map called `map`.
pub(crate) async fn restore(
    log: &EventLog,
    area: &AreaId,
    map: &str,
) -> Result<Restored, RestoreError> {
    for snapshot in log.snapshots().load(area).await? {
        match from_snapshot(log, area, snapshot).await {
            Ok(Some(restored)) => return Ok(restored),
            Ok(None) => {}
            Err(error @ RestoreError::Broken { .. }) => {
                tracing::warn!(area.id = %area, error = ?error, "the log does not go on from a snapshot; trying what is older");
            }
            Err(error) => return Err(error),
        }
    }
    let mut restored = Restored {
        state: AreaState::new(area.clone(), map),
        sequence: Sequence(0),
        last: None,
        frames: 0,
        bytes: 0,
    };
    restored.catch_up(log).await?;
    Ok(restored)
}

/// `None` when the snapshot cannot be read.
async fn from_snapshot(
    log: &EventLog,
    area: &AreaId,
    snapshot: Snapshot,
) -> Result<Option<Restored>, RestoreError> {
    let point = snapshot.point;
    let position = eventlog::Position {
        incarnation: point.incarnation,
        sequence: point.sequence,
        digest: point.digest,
    };
    match log.check_subject(&area_events(area), &position).await {
        Ok(_) => {}
        Err(PositionError::Read(error)) => return Err(error.into()),
        Err(source) => {
            return Err(RestoreError::OtherLog {
                area: area.clone(),
                source,
            });
        }
    }
    let read = ambient::blocking(move || decode::<AreaState>(&snapshot.state)).await;
    let state = match read.map_err(|_| RestoreError::Panicked(area.clone()))? {
        Ok(state) if state.last_digest() == point.digest && state.area() == area => state,
        Ok(_) => {
            tracing::warn!(area.id = %area, event.seq = %point.sequence, "a snapshot is of another frame than it says");
            return Ok(None);
        }
        Err(error) => {
            tracing::warn!(area.id = %area, event.seq = %point.sequence, error = ?error, "a snapshot cannot be read");
            return Ok(None);
        }
    };
    let mut restored = Restored {
        state,
        sequence: point.sequence,
        last: None,
        frames: 0,
        bytes: 0,
    };
    restored.catch_up(log).await?;
    Ok(Some(restored))
}

impl Restored {
    /// Folds what the log holds beyond this state.
    pub(crate) async fn catch_up(&mut self, log: &EventLog) -> Result<(), RestoreError> {
        let subject = area_events(self.state.area());
        let mut reader = log.read(AREA_EVENTS, vec![subject], self.sequence, Follow::UntilHead);
        loop {
            let records = reader.next_batch(FOLD_AT_ONCE).await?;
            if records.is_empty() {
                return Ok(());
            }
            self.fold_all(records).await?;
        }
    }

    /// Folds the frame that follows. After an error the state must not be used any more.
    pub(crate) fn fold_next(&mut self, record: Record) -> Result<(), RestoreError> {
        fold(&mut self.state, &record)?;
        self.sequence = record.sequence;
        self.frames += 1;
        self.bytes += record.payload.len() as u64;
        self.last = Some(record);
        Ok(())
    }

    /// Folds frames that follow, off the async threads when they are many.
    pub(crate) async fn fold_all(&mut self, records: Vec<Record>) -> Result<(), RestoreError> {
        let area = self.state.area().clone();
        let mut state = self.state.clone();
        let bytes: usize = records.iter().map(|record| record.payload.len()).sum();
        let frames = records.len() as u64;
        let last = records.last().cloned();
        let fold = move || {
            for record in &records {
                fold(&mut state, record)?;
            }
            Ok(state)
        };
        let folded: Result<AreaState, RestoreError> = if frames < 8 {
            fold()
        } else {
            let folding = ambient::blocking(fold).await;
            folding.map_err(|_| RestoreError::Panicked(area))?
        };
        self.state = folded?;
        self.sequence = last.as_ref().map_or(self.sequence, |last| last.sequence);
        self.last = last.or(self.last.take());
        self.frames += frames;
        self.bytes += bytes as u64;
        Ok(())
    }
}

fn fold(state: &mut AreaState, record: &Record) -> Result<(), RestoreError> {
    let frame = decode::<Frame>(&record.payload).map_err(BrokenFrame::from);
    let folded = frame.and_then(|frame| {
        let digest = Digest::of(&record.payload);
        state.fold(&frame, digest).map_err(BrokenFrame::from)
    });
    folded.map_err(|source| RestoreError::Broken {
        area: state.area().clone(),
        sequence: record.sequence,
        source,
    })
}

#[cfg(test)]
mod tests;
