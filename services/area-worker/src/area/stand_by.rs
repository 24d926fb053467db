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
    /// The area is to be taken, and the replica was not there yet.
    NotReady,
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
    // What is to be owned waits neither for its turn nor for what would be read with less haste.
    let restoring = orders.take.run_until_cancelled(restored(shared, area));
    let Some(restored) = restoring.await else {
        return Ok(StoodBy::NotReady);
    };
    let mut replica = restored?;
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

/// A replica that is followed, in its turn among others.
async fn restored(shared: &Shared, area: &AreaId) -> Result<Replica, LifeError> {
    let _turn = shared.replicas.restores.acquire().await;
    let mut replica = Replica::restore(shared, area).await?;
    replica.follow(&shared.log).await?;
    Ok(replica)
}

#[cfg(test)]
mod tests {
    use eventlog::EventLog;

    use super::*;
    use crate::area::opening::OpeningError;
    use crate::area::{Life, live};
    use crate::config::Config;

    #[tokio::test(start_paused = true)]
    async fn what_is_to_be_owned_does_not_wait_for_its_turn_among_replicas() {
        let (log, _) = EventLog::in_memory();
        let shared = Shared::new(Config::default(), log).unwrap();
        let others = shared.replicas.restores.available_permits();
        let others = u32::try_from(others).unwrap();
        let _turns = shared.replicas.restores.acquire_many(others).await.unwrap();
        let area = AreaId::new("harbor-1").unwrap();
        let (vitals, orders) = (Vitals::default(), Orders::default());
        let placing = async {
            while shared.replicas.kept() == 0 {
                tokio::task::yield_now().await;
            }
            orders.take.cancel();
        };
        let living = live(&shared, &area, &vitals, &orders);
        let living = tokio::time::timeout(Duration::from_secs(60), living);
        let (life, ()) = tokio::join!(living, placing);
        // Nobody has opened it: only a claim finds that out here.
        assert!(
            matches!(
                life,
                Ok(Life::Failed(LifeError::Opening(OpeningError::NotOpened(_))))
            ),
            "{life:?}"
        );
    }
}
