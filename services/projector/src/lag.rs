//! How far a projection is behind, measured against its own stream's head.

use std::time::Duration;

use eventlog::{Follow, StreamInfo};
use metrics::gauge;
use runtime::metric_definitions as names;
use schemas::{Sequence, UnixMillis};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, timeout};

use crate::board::Board;
use crate::checkpoint::Checkpoint;
use crate::error::ProjectError;
use crate::name::Name;
use crate::position;
use crate::projection::Source;

/// How often to look.
const PERIOD: Duration = Duration::from_secs(1);
/// A message that is not read by then is as old as nobody knows.
const READ_WITHIN: Duration = Duration::from_secs(2);

/// Measures for ever; ends when the stream turns out to be another one under our feet.
pub(crate) async fn watch(
    source: Source,
    of: Name,
    board: Board,
    mut progress: watch::Receiver<Option<Checkpoint>>,
) -> ProjectError {
    let projection = of.as_str();
    let mut period = tokio::time::interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        period.tick().await;
        let Ok(known) = progress.wait_for(Option::is_some).await.map(|at| *at) else {
            // The projection has ended, and this future is about to be dropped.
            return std::future::pending().await;
        };
        let Some(at) = known else { continue };
        // The head first and the checkpoint before it: never a head behind a checkpoint by mistake.
        let Ok(info) = source.log.stream_info(of.stream()).await else {
            continue;
        };
        board.set_head(of, info.last);
        match position::compare(&source, projection, of.stream(), &at, &info).await {
            Err(wrong) if !wrong.passes() => return wrong,
            Err(_) | Ok(()) => {}
        }
        let lag = measure(&source, of.stream(), at.position.sequence, &info).await;
        gauge!(names::PROJECTOR_LAG_MESSAGES, "projection" => projection).set(lag.messages as f64);
        gauge!(names::PROJECTOR_LAG_SECONDS, "projection" => projection)
            .set(lag.millis as f64 / 1000.0);
    }
}

/// How far rows are behind a stream's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Lag {
    /// Messages that are not in the rows.
    pub(crate) messages: u64,
    /// Age of the first of them, by the broker's clock.
    pub(crate) millis: u64,
}

/// Measures rows that hold everything up to `folded`.
pub(crate) async fn measure(
    source: &Source,
    stream: &str,
    folded: Sequence,
    info: &StreamInfo,
) -> Lag {
    let messages = info.last.0.saturating_sub(folded.0);
    let millis = match messages {
        0 => 0,
        _ => {
            let now = info.told_at.unwrap_or_else(UnixMillis::now);
            let next = stored_after(source, stream, folded).await;
            next.map_or(0, |stored_at| now.0.saturating_sub(stored_at.0))
        }
    };
    Lag { messages, millis }
}

/// When the first message after `folded` was stored.
async fn stored_after(source: &Source, stream: &str, folded: Sequence) -> Option<UnixMillis> {
    if let Ok(Some(next)) = source.log.get(stream, folded.next()).await {
        return Some(next.stored_at);
    }
    // Purged in between, or archived: the next there is.
    let mut reader = source
        .past
        .read(stream, Vec::new(), folded, Follow::UntilHead);
    let next = timeout(READ_WITHIN, reader.next()).await.ok()?;
    Some(next.ok()??.stored_at)
}
