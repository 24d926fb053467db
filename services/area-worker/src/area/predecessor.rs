//! The owner before, and when it need not be waited for any longer.
//!
//! **A planned hand-over is polite.** The next owner first has everything: the state up to the last
//! frame, the live frames after it. Then it says so ([`crate::ready`]), again and again; the owner
//! writes a last frame and is gone; that frame comes with the others, and the claim follows at once.
//! So the players are without an owner for one append, however long restoring took.
//!
//! **Nobody waits for the dead.** An area is placed anew either because it is to move or because its
//! owner has fallen silent, and the placement does not say which. The silence does: an owner that
//! hands over is heard every 100 ms, while the director waits 300 ms before it suspects. Whoever has
//! been silent for two thirds of that (`worker.suspect_after`) when the area is placed elsewhere is
//! not waited for. That is sooner than the director itself would judge, and may be: it has judged.
//! A frame is as good a sign of life as a heartbeat.
//!
//! **Nobody waits for ever.** An owner that is heard and does not let go (its ticks hang, its last
//! frame is on its way to a broker that has no leader) is overruled after [`LONGEST_WAIT`].
//!
//! **A mistake costs a moment, never an item.** Whoever is overruled while it is alive has its next
//! frame refused by the broker, and what that frame said has reached nobody: it drops the area, and
//! the commands it had taken are still in the stream for its successor. The other way round, a claim
//! that comes too early is refused, because the owner has written in between; then the claimant
//! catches up and thinks again.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::replica::Replica;
use super::restore::RestoreError;
use crate::ready;
use crate::shared::Shared;

/// Between two hints to an owner that is to let go.
const HINT_EVERY: Duration = Duration::from_millis(50);
/// An owner that is alive and does not let go for so long after the first hint is fenced.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// What became of the owner before: why an area may be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Former {
    /// There was none: the area is new.
    None,
    /// It let the area go, or put it to sleep, before anybody asked.
    Gone,
    /// It let go because this worker was ready.
    HandedOver,
    /// It was this worker, in an earlier life or before somebody interfered.
    Itself,
    /// It is believed dead.
    Silent,
    /// It is alive and did not let go in time.
    Overruled,
}

impl Former {
    /// For metrics and the log.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::None => "opened",
            Self::Gone => "taken",
            Self::HandedOver => "handed_over",
            Self::Itself => "restarted",
            Self::Silent => "failover",
            Self::Overruled => "overruled",
        }
    }
}

/// Follows the area's frames until its owner has let go, is believed dead or is overruled.
pub(crate) async fn wait_for(
    shared: &Shared,
    replica: &mut Replica,
) -> Result<Former, RestoreError> {
    let patience = shared.config.suspect_after.duration() * 2 / 3;
    let deadline = Instant::now() + LONGEST_WAIT;
    let mut hints = interval(HINT_EVERY);
    hints.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut asked = false;
    loop {
        let Some(owner) = replica.state().owner() else {
            return Ok(Former::None);
        };
        if !owner.present {
            return Ok(if asked {
                Former::HandedOver
            } else {
                Former::Gone
            });
        }
        if owner.worker == shared.me {
            return Ok(Former::Itself);
        }
        let now = Instant::now();
        let unheard = shared.peers.silent_at(&owner.worker, patience);
        let silent = unheard.max(replica.heard.map_or(unheard, |heard| heard + patience));
        if now >= silent {
            return Ok(Former::Silent);
        }
        if now >= deadline {
            return Ok(Former::Overruled);
        }
        if !asked {
            replica.follow(&shared.log).await?;
            asked = true;
            continue;
        }
        tokio::select! {
            biased;
            folded = replica.next() => folded?,
            _ = hints.tick() => ready::say(&shared.log, replica.state().area(), &shared.me).await,
            () = sleep_until(silent.min(deadline)) => {}
        }
    }
}
