//! The pen: puts an area's frames into the log, one after the other.
//!
//! An append whose outcome is unknown is repeated, identical, until it is known; there is nothing
//! else to do, since what the next frame says depends on it.

use std::time::Duration;

use bytes::Bytes;
use eventlog::{AppendError, Appender};
use runtime::{end_timed, timed};
use schemas::{AreaId, Sequence};
use tokio::sync::mpsc;

use super::pipeline::Write;
use crate::appends::Appends;
use crate::crash_points::{CrashPoint, reached};
use crate::ticks::{Seat, Wake};

/// Between two attempts when the broker does not take a frame.
const PAUSE: Duration = Duration::from_millis(200);

/// Writes until the area has ended (`Ok`) or the log refuses it for good.
pub(crate) async fn write(
    area: &AreaId,
    mut appender: Appender,
    seat: &Seat,
    appends: &Appends,
    mut frames: mpsc::UnboundedReceiver<Write>,
) -> Result<(), AppendError> {
    while let Some(frame) = frames.recv().await {
        reached(CrashPoint::BeforeAppend, &frame.marks);
        let header = frame.trace.map(|trace| trace.to_header());
        let step = frame.trace.map_or_else(
            || timed("log.append"),
            |trace| timed("log.append").of(trace),
        );
        let on_its_way = appends.begun(seat.key());
        let sequence = append_surely(area, &mut appender, frame.payload, header.as_deref()).await?;
        on_its_way.taken();
        end_timed!(step, area.id = %area, event.seq = sequence.0);
        reached(CrashPoint::AfterAppendBeforeAck, &frame.marks);
        seat.wake(Wake::Appended(seat.key(), sequence));
    }
    Ok(())
}

/// Appends, however long the broker does not answer or has no room.
///
/// # Errors
/// When the answer is definite: fenced, or refused for good.
pub(super) async fn append_surely(
    area: &AreaId,
    appender: &mut Appender,
    payload: Bytes,
    trace: Option<&str>,
) -> Result<Sequence, AppendError> {
    let mut outcome = appender.append(payload.clone(), trace).await;
    loop {
        let error = match outcome {
            Ok(sequence) => return Ok(sequence),
            Err(error) => error,
        };
        tracing::warn!(area.id = %area, %error, "the log does not take a frame; the area stands still");
        outcome = match error {
            AppendError::Unavailable { .. } | AppendError::Undecided { .. } => {
                tokio::time::sleep(PAUSE).await;
                let resumed = appender.resume().await;
                resumed.map(|sequence| sequence.unwrap_or_else(|| appender.sequence()))
            }
            // An operator's matter; nothing was stored.
            AppendError::Full { .. } => {
                tokio::time::sleep(PAUSE).await;
                appender.append(payload.clone(), trace).await
            }
            definite => return Err(definite),
        };
    }
}
