//! Taking an area: restore it (unless a replica is there already), wait for the owner before, fence.

use eventlog::{AppendError, Defect, seeded};
use schemas::AreaId;
use schemas::subjects::AREA_COMMANDS;
use tokio::time::Instant;

use super::fence::{self, FenceError, Owned};
use super::inbox::read_after;
use super::predecessor::{self, Former};
use super::reader::Reading;
use super::replica::Replica;
use super::{LifeError, Orders, sleep};
use crate::shared::Shared;

/// How often an overtaken claim is tried again before the area is left to whoever is faster.
const CLAIM_ATTEMPTS: u32 = 5;

/// What came of trying to take an area.
pub(crate) enum Claim {
    /// It may go on sleeping.
    Asleep,
    /// It was to be let go before it was taken.
    LetGo,
    /// It is taken.
    Owned(Box<Claimed>),
}

/// An area that is taken and does not run yet.
pub(crate) struct Claimed {
    pub(crate) replica: Replica,
    pub(crate) owned: Owned,
    pub(crate) former: Former,
    /// When the former owner's last frame came, if that was seen.
    pub(crate) since: Option<Instant>,
    /// Its commands, on their way already.
    pub(crate) reading: Reading,
}

/// Takes the area.
pub(crate) async fn claim(
    shared: &Shared,
    area: &AreaId,
    orders: &Orders,
    replica: Option<Box<Replica>>,
) -> Result<Claim, LifeError> {
    let mut replica = match replica {
        Some(replica) => *replica,
        None => {
            // A few at a time: restoring takes memory, and those that are waited for come first.
            let _turn = shared.claims.acquire().await;
            if sleep::is_asleep(&shared.log, area).await? {
                return Ok(Claim::Asleep);
            }
            Replica::restore(shared, area).await?
        }
    };
    for attempt in 1.. {
        // Waiting may be given up at any time; an append must not be.
        let waiting = async {
            shared.until_on_time().await;
            predecessor::wait_for(shared, &mut replica).await
        };
        let former = match orders.release.run_until_cancelled(waiting).await {
            None => return Ok(Claim::LetGo),
            Some(former) => former?,
        };
        let position = replica.state().position();
        if replica.state().is_asleep()
            && !sleep::has_newer_command(&shared.log, area, position).await?
        {
            return Ok(Claim::Asleep);
        }
        let after = if seeded(Defect::CommandsPassedOver) {
            shared.log.stream_info(AREA_COMMANDS).await?.last
        } else {
            read_after(position)
        };
        let reading = Reading::begin(&shared.log, area, after);
        match fence::fence(
            shared,
            &replica.opening,
            &replica.restored,
            replica.is_followed(),
        )
        .await
        {
            Err(FenceError::Behind(_) | FenceError::Append(AppendError::Fenced { .. }))
                if attempt < CLAIM_ATTEMPTS =>
            {
                replica.catch_up(&shared.log).await?;
            }
            Err(error) => return Err(error.into()),
            Ok(owned) => {
                return Ok(Claim::Owned(Box::new(Claimed {
                    since: replica.heard,
                    replica,
                    owned,
                    former,
                    reading,
                })));
            }
        }
    }
    Ok(Claim::LetGo)
}
