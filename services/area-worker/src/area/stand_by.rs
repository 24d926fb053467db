//! Standing by: a worker that will most likely own an area next keeps a replica of it.
//!
//! Only while the area is awake: of one that sleeps nothing is kept but the name, and a knock begins
//! it anew. The replica is a copy of what is in the log and nothing more; that it exists gives no
//! right, and losing it costs the next owner a restore.

use std::sync::atomic::Ordering;
use std::time::Duration;

use schemas::AreaId;
use tokio::time::{Instant, sleep_until};

use super::replica::Replica;
use super::{LifeError, Orders, Vitals};
use crate::shared::Shared;

/// An area that sleeps, or has never been owned, is left after this: whoever knocked wakes it by then.
const LOOK_FOR: Duration = Duration::from_secs(5);

/// How standing by ended.
pub(crate) enum StoodBy {
    /// The area is to be taken, from this replica.
    Take(Box<Replica>),
    /// The area sleeps.
    Dozing,
    /// No replica is wanted any more.
    Dropped,
    /// This worker keeps as many as it may.
    NoRoom,
}

/// Keeps a replica of `area` until it is to be taken, or not to be kept any more.
pub(crate) async fn stand_by(
    shared: &Shared,
    area: &AreaId,
    vitals: &Vitals,
    orders: &Orders,
) -> Result<StoodBy, LifeError> {
    let Some(_place) = shared.replicas.place() else {
        return Ok(StoodBy::NoRoom);
    };
    let keeping = keep(shared, area, vitals, orders);
    let kept = orders.release.run_until_cancelled(keeping).await;
    let was_kept = vitals.replica.swap(false, Ordering::Relaxed);
    if was_kept {
        shared.changed.notify_one();
    }
    kept.unwrap_or(Ok(StoodBy::Dropped))
}

async fn keep(
    shared: &Shared,
    area: &AreaId,
    vitals: &Vitals,
    orders: &Orders,
) -> Result<StoodBy, LifeError> {
    let turn = shared.replicas.restores.acquire().await;
    let mut replica = Replica::restore(shared, area).await?;
    replica.follow(&shared.log).await?;
    drop(turn);
    vitals.replica.store(true, Ordering::Relaxed);
    shared.changed.notify_one();
    tracing::debug!(area.id = %area, tick = %replica.state().tick(), "replica kept");
    let mut awake = Instant::now();
    loop {
        if replica.state().owner().is_some_and(|owner| !owner.asleep) {
            awake = Instant::now();
        }
        tokio::select! {
            biased;
            () = orders.take.cancelled() => return Ok(StoodBy::Take(Box::new(replica))),
            folded = replica.next() => folded?,
            () = sleep_until(awake + LOOK_FOR), if replica.state().owner().is_none_or(|owner| owner.asleep) => {
                return Ok(StoodBy::Dozing);
            }
        }
    }
}
