//! An owned area on this worker: it runs on a tick thread, and this task does its writing, its
//! errands and its last snapshot.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use eventlog::AppendError;
use schemas::{AreaId, Incarnation};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::claim::Claimed;
use super::inbox::Inbox;
use super::pipeline::Pipeline;
use super::predecessor::Former;
use super::run_loop::{Ended, Farewell, Ports, Running, Start};
use super::snapshotter::SnapshotPolicy;
use super::{Life, LifeError, Vitals, effects, pen, sleep, snapshotter};
use crate::shared::Shared;
use crate::ticks::Wake;

/// How long the last errands and snapshots of an area may take.
const LAST_ERRANDS: Duration = Duration::from_secs(5);

/// Runs an owned area until it ends.
pub(super) async fn run(
    shared: &Shared,
    area: &AreaId,
    vitals: &Vitals,
    release: &CancellationToken,
    claimed: Claimed,
) -> Life {
    let Claimed {
        replica,
        owned,
        former,
        since,
        reading,
    } = claimed;
    let now = Instant::now();
    let Some(seat) = shared.ticks.seat() else {
        return Life::Failed(LifeError::Broken);
    };
    let (frames_in, frames) = mpsc::unbounded_channel();
    let (errands_in, errands) = mpsc::channel(effects::WAITING_ERRANDS);
    let (states_in, states) = mpsc::channel(1);
    let (ended_in, mut ended) = oneshot::channel();
    let (position, events) = (owned.state.position(), replica.events);

    let last_errands = ambient::spawn(effects::run(shared.log.clone(), area.clone(), errands));
    let last_snapshot = ambient::spawn(snapshotter::keep(shared.log.snapshots(), events, states));
    let start = Start {
        key: seat.key(),
        worker: shared.me.clone(),
        map: replica.opening.map,
        header: owned.header,
        state: owned.state,
        sequence: owned.sequence,
        inbox: Inbox::new(reading.messages, position, owned.commands),
        pipeline: Pipeline::new(frames_in),
        snapshots: SnapshotPolicy::new(
            &shared.config,
            replica.restored.frames,
            replica.restored.bytes,
            now,
        ),
        sleep_after: shared.config.sleep_after.duration(),
        anchor: seat.anchor(),
        behind: owned.behind,
        gap: gap(former, since),
        ports: Ports {
            errands: errands_in,
            snapshots: states_in,
            ended: ended_in,
            load: Arc::clone(&vitals.load),
            population: Arc::clone(&vitals.population),
        },
    };
    drop(replica);
    seat.wake(Wake::Adopt(Box::new(Running::new(start, Instant::now()))));

    let writing = pen::write(area, owned.appender, &seat, &shared.appends, frames);
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
    drop(reading.task);
    if !matches!(ended, Ok(Ended::Asleep(_))) {
        // Somebody else's by now, or nobody's; what is still to be done keeps nobody waiting.
        vitals.owned.store(false, Ordering::Relaxed);
        shared.changed.notify_one();
    }
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

/// Since when the players have been without an owner, and why, if they have.
fn gap(former: Former, since: Option<Instant>) -> Option<(Instant, &'static str)> {
    match former {
        Former::HandedOver | Former::Silent | Former::Overruled => {
            since.map(|since| (since, former.reason()))
        }
        Former::None | Former::Gone | Former::Itself => None,
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
