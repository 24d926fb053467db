//! Taking an area: the ownership frame.
//!
//! It is appended on condition of the last frame that was folded. Once it is in the log the broker
//! refuses whatever a predecessor still sends, however alive it believes to be. Before that the
//! world is stepped forward without commands, by the ticks that passed unowned and at most 25, so
//! that bodies do not hang in the air and do not fall far unseen.

use std::time::Duration;

use bytes::Bytes;
use eventlog::{AppendError, Appender, PositionError, ReadError};
use schemas::fact::Fact;
use schemas::ids::{Incarnation, TICK_MILLIS};
use schemas::subjects::{AREA_COMMANDS, area_events};
use schemas::{Claim, Epoch, Sequence, Tick};
use world::rules::MAX_RESUME_TICKS;
use world::{AreaState, FrameHeader, HASH_VERSION, RULES_VERSION, Rules};

use super::opening::Opening;
use super::pen::append_surely;
use super::restore::Restored;
use crate::crash_points::{CrashPoint, Marks, reached};
use crate::shared::Shared;

/// An area that is owned.
pub(crate) struct Owned {
    /// The owner's stamp for its frames.
    pub(crate) header: FrameHeader,
    /// The state after the ownership frame.
    pub(crate) state: AreaState,
    /// The ownership frame's place in the log.
    pub(crate) sequence: Sequence,
    /// What writes the frames after it.
    pub(crate) appender: Appender,
    /// Which life of the command stream its position counts in.
    pub(crate) commands: Incarnation,
    /// How long ago the world stood as it stands now: less than a tick.
    pub(crate) behind: Duration,
}

/// Why an area was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FenceError {
    /// Somebody has written since the state was restored: catch up and think again.
    #[error("the area has frames up to {0} that are not folded yet")]
    Behind(Sequence),
    /// The command stream is not the one that the area has consumed. Restore it, or the event stream.
    #[error("the area's commands cannot be read on from where it stands")]
    OtherCommands(#[source] PositionError),
    /// The log did not take the frame. After `Fenced` somebody else owns the area.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The log could not be asked.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Appends the ownership frame of this worker after what has been restored. Whoever has folded the
/// last frame need not ask for it: the condition does, and `Fenced` means that it was not the last.
/// `followed` says that its frames came live until now.
pub(crate) async fn fence(
    shared: &Shared,
    opening: &Opening,
    restored: &Restored,
    followed: bool,
) -> Result<Owned, FenceError> {
    let (log, before) = (&shared.log, &restored.state);
    let mut appender = match &restored.last {
        Some(last) => log.appender_after(last.clone())?,
        None => log.appender(&area_events(before.area())).await?,
    };
    if appender.sequence() < restored.sequence {
        // Nobody may go on from there: it would forget what this worker has folded.
        let gone = AppendError::Gone {
            subject: appender.subject().to_owned(),
            known: restored.sequence,
            last: appender.sequence(),
        };
        return Err(gone.into());
    }
    if appender.sequence() > restored.sequence {
        return Err(FenceError::Behind(appender.sequence()));
    }
    let (commands, lost) = consumable(shared, before, followed).await?;
    let at = shared.time.now();
    let elapsed = at.0.saturating_sub(before.at().0);
    let owned = Fact::Owned {
        worker: shared.me.clone(),
        build: env!("CARGO_PKG_VERSION").to_owned(),
        rules: RULES_VERSION,
        map: opening.map.name.clone(),
        map_hash: opening.map.digest,
        seed: opening.seed,
        hash_version: HASH_VERSION,
        resume_tick: resume_tick(before, elapsed),
        lost,
    };
    if let Some((first, last)) = lost {
        tracing::warn!(area.id = %before.area(), %first, %last, "retention took messages before this area consumed them");
    }
    let header = FrameHeader {
        epoch: Epoch(before.epoch().0 + 1),
        claim: Claim(ambient::random()),
    };
    let (frame, bytes, state) =
        world::resume(&Rules::DEFAULT, before, opening.map, owned, at).seal(&header);
    // The outcome must be known: this frame may have made us the owner.
    let sequence = append_surely(before.area(), &mut appender, Bytes::from(bytes), None).await?;
    reached(CrashPoint::AfterOwnership, &Marks::of(&frame.facts));
    Ok(Owned {
        header,
        state,
        sequence,
        appender,
        commands,
        behind: behind(before, elapsed),
    })
}

/// The last tick, plus those that fit into the ms since then, at most 25.
fn resume_tick(before: &AreaState, elapsed: u64) -> Tick {
    if before.frame_no().0 == 0 {
        return before.tick();
    }
    Tick(before.tick().0 + (elapsed / TICK_MILLIS).min(MAX_RESUME_TICKS))
}

/// What is left of the ms since the last frame after stepping the world on: by so much the next tick
/// is due sooner, so that a quick change of hands does not shift the world's beat.
fn behind(before: &AreaState, elapsed: u64) -> Duration {
    if before.frame_no().0 == 0 || elapsed / TICK_MILLIS > MAX_RESUME_TICKS {
        return Duration::ZERO;
    }
    Duration::from_millis(elapsed % TICK_MILLIS)
}

/// The command stream's life, and the messages of it that retention took before this area could
/// consume them. That range may hold other areas' commands only; what it held nobody knows.
async fn consumable(
    shared: &Shared,
    before: &AreaState,
    followed: bool,
) -> Result<(Incarnation, Option<(Sequence, Sequence)>), FenceError> {
    let position = before.position();
    let mut info = shared.streams.commands(shared).await?;
    if position.sequence == Sequence(0) {
        return Ok((info.incarnation, None));
    }
    if position.sequence > info.last && !followed {
        info = shared.streams.commands_now(shared).await?;
    }
    // Of an area that was followed live the position is younger than what is known of the stream:
    // its owner read on meanwhile, and would be reading on still.
    let reached = if followed {
        position.sequence.min(info.last)
    } else {
        position.sequence
    };
    info.check(AREA_COMMANDS, position.incarnation, reached)
        .map_err(FenceError::OtherCommands)?;
    let next = position.sequence.next();
    let lost = (info.first > next).then(|| (next, Sequence(info.first.0 - 1)));
    Ok((info.incarnation, lost))
}
