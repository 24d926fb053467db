//! The life of one area on this worker: restore, fence, run, and then sleep or be let go.
//!
//! One task per area leads it through ([`live`]); while it runs, its ticks happen on a tick thread
//! and the task does its writing. The worker's supervisor decides which areas live. Before an area
//! is its own a worker may stand by: it keeps a replica, so that taking the area is one append.

mod claim;
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
mod replica;
mod restore;
pub(crate) mod run_loop;
mod sleep;
mod snapshotter;
mod stand_by;
mod stay;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use eventlog::{AppendError, ReadError};
use runtime::metric_definitions::{HANDOFFS_TOTAL, RECOVERY_SECONDS};
use schemas::AreaId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::claim::Claim;
use self::fence::FenceError;
use self::opening::OpeningError;
use self::restore::RestoreError;
use self::stand_by::StoodBy;
use crate::shared::Shared;

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
    /// It stood by for an area that sleeps; nothing is kept of it.
    Dozing,
    /// It stood by, and was not to any longer.
    Dropped,
    /// It was to stand by and has no room for another replica.
    NoRoom,
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

impl LifeError {
    /// Whether the log has lost frames that this worker has written or folded. What is left may look sound to whoever
    /// knows less, so that nobody is to try before an operator has decided.
    pub(crate) const fn has_lost_frames(&self) -> bool {
        matches!(
            self,
            Self::Append(AppendError::Gone { .. })
                | Self::Fence(FenceError::Append(AppendError::Gone { .. }))
        )
    }

    /// Whether trying again leads nowhere before somebody has mended the log or the build.
    pub(crate) const fn is_lasting(&self) -> bool {
        matches!(
            self,
            Self::Opening(OpeningError::NoMap { .. } | OpeningError::Undecodable { .. })
                | Self::Restore(RestoreError::OtherLog { .. } | RestoreError::Broken { .. })
                | Self::Fence(FenceError::OtherCommands(_))
        )
    }
}

/// What others may know of a living area.
#[derive(Debug, Default)]
pub(crate) struct Vitals {
    /// Whether it is owned by now.
    pub(crate) owned: AtomicBool,
    /// Whether a replica of it is kept, up to its live frames.
    pub(crate) replica: AtomicBool,
    /// What it uses of a core, in 1/1000.
    pub(crate) load: Arc<AtomicU32>,
    /// How many bodies are in it.
    pub(crate) population: Arc<AtomicU32>,
}

/// What the supervisor wants of a living area; neither is ever taken back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Orders {
    /// It is to be owned; until then this worker stands by.
    pub(crate) take: CancellationToken,
    /// It is to be let go.
    pub(crate) release: CancellationToken,
}

/// Leads `area` from standing by, or from its claim, to its end or until it is to be let go.
pub(crate) async fn live(shared: &Shared, area: &AreaId, vitals: &Vitals, orders: &Orders) -> Life {
    let lead = Box::pin(lead(shared, area, vitals, orders));
    match lead.await {
        Ok(life) => life,
        Err(LifeError::Fence(FenceError::Append(AppendError::Fenced { .. }))) => Life::Lost,
        Err(error) => Life::Failed(error),
    }
}

async fn lead(
    shared: &Shared,
    area: &AreaId,
    vitals: &Vitals,
    orders: &Orders,
) -> Result<Life, LifeError> {
    let mut replica = None;
    if !orders.take.is_cancelled() {
        match stand_by::stand_by(shared, area, vitals, orders).await {
            Ok(StoodBy::Take(kept)) => replica = Some(kept),
            // The area is to be owned by now, and the claim restores it itself.
            Ok(StoodBy::NotReady) => {}
            Ok(StoodBy::NoRoom) | Err(_) if orders.take.is_cancelled() => {}
            Ok(StoodBy::Dozing) => return Ok(Life::Dozing),
            Ok(StoodBy::Dropped) => return Ok(Life::Dropped),
            Ok(StoodBy::NoRoom) => return Ok(Life::NoRoom),
            Err(error) => return Err(error),
        }
    }
    let (begun, warm) = (Instant::now(), replica.is_some());
    let claimed = match claim::claim(shared, area, orders, replica).await? {
        Claim::Asleep => return Ok(Life::Asleep),
        Claim::LetGo => return Ok(Life::Released),
        Claim::Owned(claimed) => claimed,
    };
    vitals.owned.store(true, Ordering::Relaxed);
    shared.changed.notify_one();
    let reason = claimed.former.reason();
    metrics::counter!(HANDOFFS_TOTAL, "reason" => reason).increment(1);
    metrics::histogram!(RECOVERY_SECONDS).record(begun.elapsed().as_secs_f64());
    tracing::info!(
        area.id = %area, lease.epoch = %claimed.owned.header.epoch, reason, warm,
        tick = %claimed.owned.state.tick(), frames = claimed.replica.restored.frames,
        duration_ms = begun.elapsed().as_millis(), "area taken"
    );
    let life = stay::run(shared, area, vitals, &orders.release, *claimed).await;
    vitals.owned.store(false, Ordering::Relaxed);
    Ok(life)
}
