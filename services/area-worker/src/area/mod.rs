//! The life of one area on this worker: restore, fence, run, and then sleep or be let go.
//!
//! One task per area leads it through ([`live`]); while it runs, its ticks happen on a tick thread
//! and the task does its writing. The worker's supervisor decides which areas live.

mod effects;
mod faults;
mod fence;
mod inbox;
mod opening;
mod pen;
mod pending;
mod pipeline;
mod predecessor;
mod reader;
mod restore;
pub(crate) mod run_loop;
mod sleep;
mod snapshotter;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use eventlog::{AppendError, ReadError};
use runtime::metric_definitions::RECOVERY_SECONDS;
use schemas::subjects::AREA_EVENTS;
use schemas::{AreaId, Incarnation};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::fence::{FenceError, Owned};
use self::inbox::{Inbox, WAITING_MESSAGES, read_after};
use self::opening::{Opening, OpeningError};
use self::pipeline::Pipeline;
use self::restore::{RestoreError, Restored};
use self::run_loop::{Ended, Farewell, Ports, Running, Start};
use self::snapshotter::SnapshotPolicy;
use crate::shared::Shared;
use crate::ticks::Wake;

/// How often an overtaken claim is tried again before the area is left to whoever is faster.
const CLAIM_ATTEMPTS: u32 = 3;
/// How long the last errands and snapshots of an area may take.
const LAST_ERRANDS: Duration = Duration::from_secs(5);

/// How an area's life on this worker ended.
#[derive(Debug)]
pub(crate) enum Life {
    /// It sleeps; nothing has come for it.
    Asleep,
    /// It fell asleep, but a command has come for it meanwhile.
    Woken,
    /// It was let go, by a last frame or before it was taken.
    Released,
    /// Somebody else has written to its log.
    Lost,
    /// Its rules break again and again.
    Quarantined,
    /// It could not be taken, or could not go on. Perhaps later.
    Failed(LifeError),
}

/// Why an area does not run here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LifeError {
    /// It may not be owned.
    #[error(transparent)]
    Opening(#[from] OpeningError),
    /// Its state cannot be brought back.
    #[error("its state cannot be restored")]
    Restore(#[from] RestoreError),
    /// It was not taken.
    #[error("it cannot be taken")]
    Fence(#[from] FenceError),
    /// The log refuses its frames.
    #[error("its frames are refused")]
    Append(#[from] AppendError),
    /// The log could not be asked.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It panicked, or its rules break on its state.
    #[error("it cannot go on")]
    Broken,
}

/// What others may know of a living area.
#[derive(Debug, Default)]
pub(crate) struct Vitals {
    /// Whether it is owned by now.
    pub(crate) owned: AtomicBool,
    /// What it uses of a core, in 1/1000.
    pub(crate) load: Arc<AtomicU32>,
}

/// Leads `area` from its claim to its end, or until `release` asks to let it go.
pub(crate) async fn live(
    shared: &Shared,
    area: &AreaId,
    vitals: &Vitals,
    release: &CancellationToken,
) -> Life {
    let begun = Instant::now();
    match claim(shared, area, release).await {
        Ok(Claim::Asleep) => Life::Asleep,
        Ok(Claim::LetGo) => Life::Released,
        Ok(Claim::Owned(claimed)) => {
            vitals.owned.store(true, Ordering::Relaxed);
            shared.changed.notify_one();
            metrics::histogram!(RECOVERY_SECONDS).record(begun.elapsed().as_secs_f64());
            tracing::info!(
                area.id = %area, lease.epoch = %claimed.owned.header.epoch,
                tick = %claimed.owned.state.tick(), frames = claimed.restored.frames,
                duration_ms = begun.elapsed().as_millis(), "area taken"
            );
            run(shared, area, vitals, release, *claimed).await
        }
        Err(LifeError::Fence(FenceError::Append(AppendError::Fenced { .. }))) => Life::Lost,
        Err(error) => Life::Failed(error),
    }
}

/// What came of trying to take an area.
enum Claim {
    /// It may go on sleeping.
    Asleep,
    /// It was to be let go before it was taken.
    LetGo,
    /// It is taken.
    Owned(Box<Claimed>),
}

/// An area that is taken and does not run yet.
struct Claimed {
    opening: Opening,
    restored: Restored,
    owned: Owned,
    events: Incarnation,
}

/// Takes the area.
async fn claim(
    shared: &Shared,
    area: &AreaId,
    release: &CancellationToken,
) -> Result<Claim, LifeError> {
    // A few at a time: restoring takes memory, and those that are waited for come first.
    let turn = shared.claims.acquire().await;
    if sleep::is_asleep(&shared.log, area).await? {
        return Ok(Claim::Asleep);
    }
    let opening = opening::read(&shared.log, area).await?;
    let events = shared.log.stream_info(AREA_EVENTS).await?.incarnation;
    let mut restored = restore::restore(&shared.log, area, &opening.map.name).await?;
    drop(turn);
    for attempt in 1.. {
        // Waiting may be given up at any time; an append must not be.
        let waiting = async {
            shared.until_on_time().await;
            predecessor::wait_for(shared, &mut restored).await
        };
        match release.run_until_cancelled(waiting).await {
            None => return Ok(Claim::LetGo),
            Some(waited) => waited?,
        }
        match fence::fence(&shared.log, &shared.me, &opening, &restored).await {
            Err(FenceError::Behind(_)) if attempt < CLAIM_ATTEMPTS => {
                restored.catch_up(&shared.log).await?;
            }
            Err(error) => return Err(error.into()),
            Ok(owned) => {
                return Ok(Claim::Owned(Box::new(Claimed {
                    opening,
                    restored,
                    owned,
                    events,
                })));
            }
        }
    }
    Ok(Claim::LetGo)
}

/// Runs an owned area until it ends.
async fn run(
    shared: &Shared,
    area: &AreaId,
    vitals: &Vitals,
    release: &CancellationToken,
    claimed: Claimed,
) -> Life {
    let Claimed {
        opening,
        restored,
        owned,
        events,
    } = claimed;
    let now = Instant::now();
    let Some(seat) = shared.ticks.seat() else {
        return Life::Failed(LifeError::Broken);
    };
    let (messages_in, messages) = mpsc::channel(WAITING_MESSAGES);
    let (frames_in, frames) = mpsc::unbounded_channel();
    let (errands_in, errands) = mpsc::channel(effects::WAITING_ERRANDS);
    let (states_in, states) = mpsc::channel(1);
    let (ended_in, mut ended) = oneshot::channel();
    let position = owned.state.position();

    let reader = AbortOnDrop(ambient::spawn(reader::read(
        shared.log.clone(),
        area.clone(),
        read_after(position),
        messages_in,
    )));
    let last_errands = ambient::spawn(effects::run(shared.log.clone(), area.clone(), errands));
    let last_snapshot = ambient::spawn(snapshotter::keep(shared.log.snapshots(), events, states));
    let start = Start {
        key: seat.key(),
        worker: shared.me.clone(),
        map: opening.map,
        header: owned.header,
        state: owned.state,
        sequence: owned.sequence,
        inbox: Inbox::new(messages, position, owned.commands),
        pipeline: Pipeline::new(frames_in),
        snapshots: SnapshotPolicy::new(&shared.config, restored.frames, restored.bytes, now),
        sleep_after: shared.config.sleep_after.duration(),
        anchor: seat.anchor(),
        ports: Ports {
            errands: errands_in,
            snapshots: states_in,
            ended: ended_in,
            load: Arc::clone(&vitals.load),
        },
    };
    drop(restored);
    seat.wake(Wake::Adopt(Box::new(Running::new(start, Instant::now()))));

    let writing = pen::write(area, owned.appender, &seat, frames);
    tokio::pin!(writing);
    let (mut asked, mut written) = (false, false);
    let ended = loop {
        tokio::select! {
            biased;
            ended = &mut ended => break ended.map_err(|_| LifeError::Broken),
            outcome = &mut writing, if !written => match outcome {
                Ok(()) => written = true,
                Err(error) => break Err(error.into()),
            },
            () = release.cancelled(), if !asked => {
                asked = true;
                seat.wake(Wake::Release(seat.key()));
            }
        }
    };
    if ended.is_err() {
        seat.wake(Wake::Lost(seat.key()));
    }
    drop(reader);
    // Both end when the area has dropped its ends of the channels.
    for task in [last_errands, last_snapshot] {
        if tokio::time::timeout(LAST_ERRANDS, task).await.is_err() {
            tracing::warn!(area.id = %area, "the broker did not take the last errands in time; the next owner repeats them");
        }
    }
    match ended {
        Ok(Ended::Asleep(farewell)) => fall_asleep(shared, area, events, farewell).await,
        Ok(Ended::Released(farewell)) => {
            snapshotter::save(&shared.log.snapshots(), events, farewell).await;
            Life::Released
        }
        Ok(Ended::Quarantined(farewell)) => {
            snapshotter::save(&shared.log.snapshots(), events, farewell).await;
            Life::Quarantined
        }
        Err(LifeError::Append(AppendError::Fenced { .. })) => Life::Lost,
        Err(error) => Life::Failed(error),
    }
}

/// Keeps a snapshot, then looks whether something came between the last tick and the last frame.
async fn fall_asleep(
    shared: &Shared,
    area: &AreaId,
    events: Incarnation,
    farewell: Farewell,
) -> Life {
    let position = farewell.state.position();
    snapshotter::save(&shared.log.snapshots(), events, farewell).await;
    match sleep::has_newer_command(&shared.log, area, position).await {
        Ok(false) => Life::Asleep,
        Ok(true) => Life::Woken,
        Err(error) => Life::Failed(error.into()),
    }
}

/// A task that ends with whoever started it.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
