//! What a worker has of an area.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use schemas::WorkerId;
use tokio::time::Instant;

use crate::area::{Orders, Vitals};
use crate::peers::Peers;

/// An owner keeps an area for so long after it was placed elsewhere, until the next owner is ready.
const PATIENCE: Duration = Duration::from_secs(10);
/// … and so much longer for one that is not heard: the director will find another.
const PATIENCE_WITH_THE_SILENT: Duration = Duration::from_secs(30);

/// What the placements want of this worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// It shall own the area.
    Own,
    /// It shall be ready to own it.
    Follow,
}

/// What a worker has of an area.
pub(super) enum Slot {
    /// Nothing but the name: it is this worker's, and sleeps.
    Asleep,
    /// Nothing but the name: it is another's, and sleeps.
    Dozing,
    /// A task that leads it.
    Living(Living),
    /// It failed, and is tried again then.
    Resting {
        until: Instant,
        /// Nothing will change before somebody has mended the log or the build.
        stopped: bool,
    },
}

/// An area with a task.
pub(super) struct Living {
    pub(super) vitals: Arc<Vitals>,
    pub(super) orders: Orders,
    leaving: Option<Leaving>,
}

/// It is placed elsewhere, and goes when whoever takes it has all it needs.
struct Leaving {
    to: WorkerId,
    since: Instant,
}

impl Living {
    pub(super) fn new(wanted: Wanted) -> Self {
        let orders = Orders::default();
        if wanted == Wanted::Own {
            orders.take.cancel();
        }
        Self {
            vitals: Arc::default(),
            orders,
            leaving: None,
        }
    }

    /// Whether it only stands by.
    pub(super) fn stands_by(&self) -> bool {
        !self.orders.take.is_cancelled()
    }

    pub(super) fn is_owned(&self) -> bool {
        self.vitals.owned.load(Ordering::Relaxed)
    }

    /// It is this worker's, or is so again.
    pub(super) fn take(&mut self) {
        self.leaving = None;
        self.orders.take.cancel();
    }

    /// It goes at once, with a last frame if it is owned.
    pub(super) fn let_go(&self) {
        self.orders.release.cancel();
    }

    /// It is `to`'s now, or nobody's.
    pub(super) fn hand_over(&mut self, to: Option<WorkerId>, now: Instant) {
        match to {
            Some(to) if self.is_owned() => {
                let since = self.leaving.as_ref().map_or(now, |leaving| leaving.since);
                self.leaving = Some(Leaving { to, since });
            }
            _ => self.let_go(),
        }
    }

    /// `worker` has all it needs.
    pub(super) fn ready(&self, worker: &WorkerId) {
        if self.leaving.as_ref().is_some_and(|l| l.to == *worker) {
            self.let_go();
        }
    }

    /// Whether another worker was to take it when it was let go.
    pub(super) const fn was_handed_over(&self) -> bool {
        self.leaving.is_some()
    }

    /// Nobody waits for ever.
    pub(super) fn look(&self, peers: &Peers, now: Instant) {
        if let Some(Leaving { to, since }) = &self.leaving {
            let patience = if peers.may_be_alive(to) {
                PATIENCE
            } else {
                PATIENCE_WITH_THE_SILENT
            };
            if now.saturating_duration_since(*since) >= patience {
                self.let_go();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned() -> Living {
        let living = Living::new(Wanted::Own);
        living.vitals.owned.store(true, Ordering::Relaxed);
        living
    }

    fn is_going(living: &Living) -> bool {
        living.orders.release.is_cancelled()
    }

    #[test]
    fn an_owner_keeps_what_is_placed_elsewhere_until_the_next_is_ready() {
        let (now, mut living) = (Instant::now(), owned());
        living.hand_over(Some("ben".into()), now);
        living.ready(&"cid".into());
        assert!(!is_going(&living));
        living.ready(&"ben".into());
        assert!(is_going(&living));
    }

    #[test]
    fn what_comes_back_stays() {
        let (now, mut living) = (Instant::now(), owned());
        living.hand_over(Some("ben".into()), now);
        living.take();
        living.ready(&"ben".into());
        living.look(&Peers::new(Duration::ZERO), now + Duration::from_secs(60));
        assert!(!is_going(&living));
    }

    #[test]
    fn what_is_not_owned_or_goes_to_nobody_goes_at_once() {
        let now = Instant::now();
        for (mut living, to) in [
            (Living::new(Wanted::Follow), Some("ben".into())),
            (Living::new(Wanted::Own), Some("ben".into())),
            (owned(), None),
        ] {
            living.hand_over(to, now);
            assert!(is_going(&living));
        }
    }

    #[test]
    fn an_owner_waits_longer_for_one_that_is_not_heard_and_not_for_ever() {
        let now = Instant::now();
        let peers = Peers::new(Duration::from_millis(1));
        for (heard, patience) in [(true, PATIENCE), (false, PATIENCE_WITH_THE_SILENT)] {
            let mut living = owned();
            living.hand_over(Some("ben".into()), now);
            let after = |time: Duration| {
                if heard {
                    peers.heard("ben".into());
                }
                living.look(&peers, now + time);
            };
            if !heard {
                while peers.may_be_alive("ben") {
                    std::thread::yield_now();
                }
            }
            after(patience - Duration::from_millis(1));
            assert!(!is_going(&living), "heard: {heard}");
            after(patience);
            assert!(is_going(&living), "heard: {heard}");
        }
    }
}
