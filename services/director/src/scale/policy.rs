//! How many workers there shall be: a pure function of what is known, what was seen before, and the
//! time.
//!
//! More come fast: as soon as the load has needed them for a moment. One goes slowly: after the rest
//! would have sufficed for minutes *with a quarter more load than there is*, so that whoever has
//! just gone is not missed at once. The gap between these two is what keeps a steady load from
//! making the fleet swing. The one that goes is the highest; it is drained, and when it has nothing
//! any more the number is lowered.
//!
//! Nothing is done while somebody is suspected (the load is not where it seems to be), nor until the
//! director has led for a while (it does not know everybody yet).

mod need;
mod reason;

use std::time::Duration;

use schemas::WorkerId;
use tokio::time::Instant;

use super::{Config, Size, View, Worker};
use crate::plan::Standing;
use need::need;
pub use reason::Reason;

/// For so long a director that has begun to lead only looks.
const SETTLE: Duration = Duration::from_secs(10);
/// Whoever was not asked for so long has not led meanwhile.
const GAP: Duration = Duration::from_secs(2);
/// A drain of which nothing is seen after so long is ordered again.
const DRAIN_AGAIN: Duration = Duration::from_secs(5);
/// In percent of the load there is: what the fleet has to carry when more are needed, and what a
/// smaller fleet has to be able to carry.
const AS_IT_IS: u64 = 100;
const WITH_ROOM: u64 = 125;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Rest,
    /// More workers.
    Up {
        /// So many there shall be.
        to: u32,
    },
    /// Let this one hand over what it has.
    Drain {
        /// The highest of the fleet.
        worker: WorkerId,
        /// The life that is meant.
        life: u64,
    },
    /// One worker less: the highest, which has nothing.
    Down {
        /// So many there shall be.
        to: u32,
    },
}

/// What to do, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What.
    pub action: Action,
    /// Why.
    pub reason: Reason,
}

/// The policy with its memory; a director that begins to lead begins without any.
#[derive(Debug)]
pub struct Policy {
    config: Config,
    leading_since: Option<Instant>,
    asked_at: Option<Instant>,
    /// Since when more are needed, and since when fewer suffice.
    short_since: Option<Instant>,
    ample_since: Option<Instant>,
    changed_at: Option<Instant>,
    leaving: Option<Leaving>,
}

#[derive(Debug)]
struct Leaving {
    worker: WorkerId,
    life: u64,
    ordered: Instant,
}

impl Policy {
    /// Without memory.
    #[must_use]
    pub const fn new(config: Config) -> Self {
        Self {
            config,
            leading_since: None,
            asked_at: None,
            short_since: None,
            ample_since: None,
            changed_at: None,
            leaving: None,
        }
    }

    /// The backend has done what was decided.
    pub const fn changed(&mut self, now: Instant) {
        self.changed_at = Some(now);
    }

    /// The director leads now, whether or not there is time to decide anything.
    pub fn leads(&mut self, now: Instant) {
        let gap = self.asked_at.replace(now).map(|at| now - at);
        if gap.is_none_or(|gap| gap > GAP) {
            self.leading_since = Some(now);
            self.leaving = None;
            self.forget();
        }
    }

    /// What to do next, for a director that leads.
    pub fn decide(&mut self, view: &View, size: &Size, now: Instant) -> Decision {
        self.leads(now);
        if self.leading_since.is_some_and(|since| now - since < SETTLE) {
            return rest(Reason::JustBegun);
        }
        if let Some(worker) = with(view, Standing::Suspected) {
            self.forget();
            return rest(Reason::Suspected(worker.name.clone()));
        }
        let bounded = |needed: u32| needed.clamp(self.config.min, self.config.max);
        let needed = need(&self.config, view, AS_IT_IS);
        let (most, least) = (need(&self.config, view, WITH_ROOM), bounded(needed));
        if least > size.wanted {
            self.ample_since = None;
            return self.more(least, needed, size, now);
        }
        self.short_since = None;
        let enough = bounded(most);
        if enough < size.wanted {
            return self.fewer(view, size, enough, now);
        }
        self.forget();
        self.leaving = None;
        rest(Reason::Enough {
            needed,
            wanted: size.wanted,
        })
    }

    const fn forget(&mut self) {
        self.short_since = None;
        self.ample_since = None;
    }

    fn rested(&self, rest: Duration, now: Instant) -> bool {
        self.changed_at.is_none_or(|at| now - at >= rest)
    }

    fn more(&mut self, to: u32, needed: u32, size: &Size, now: Instant) -> Decision {
        let since = *self.short_since.get_or_insert(now);
        let after = self.config.up_after.duration();
        // Fewer than the least is no question of load.
        let sure = size.wanted < self.config.min || now - since >= after;
        if !sure || !self.rested(self.config.up_rest.duration(), now) {
            return rest(Reason::Soon { to });
        }
        Decision {
            action: Action::Up { to },
            reason: Reason::Short {
                needed,
                wanted: size.wanted,
                max: self.config.max,
            },
        }
    }

    fn fewer(&mut self, view: &View, size: &Size, enough: u32, now: Instant) -> Decision {
        let since = *self.ample_since.get_or_insert(now);
        let last = size.wanted - 1;
        let sure =
            size.wanted > self.config.max || now - since >= self.config.down_after.duration();
        if !sure || !self.rested(self.config.down_rest.duration(), now) {
            return rest(Reason::Later { to: last });
        }
        let name = member_name(&self.config.name, last);
        if self
            .leaving
            .as_ref()
            .is_some_and(|leaving| leaving.worker != name)
        {
            self.leaving = None;
        }
        let down = Decision {
            action: Action::Down { to: last },
            reason: Reason::Ample {
                enough,
                wanted: size.wanted,
            },
        };
        let Some(worker) = view.workers.iter().find(|worker| worker.name == name) else {
            // It has ended, or never came: it has nothing.
            return down;
        };
        let others = (0..last).map(|number| member_name(&self.config.name, number));
        let mut others = others.map(|name| view.workers.iter().find(|worker| worker.name == name));
        if others.any(|other| other.is_none_or(|other| !other.standing.keeps())) {
            return rest(Reason::Incomplete);
        }
        if let Some(worker) = with(view, Standing::Watched) {
            return rest(Reason::Watched(worker.name.clone()));
        }
        let ordered = self.leaving.as_ref().filter(|l| l.life == worker.life);
        let lately = ordered.is_some_and(|leaving| now - leaving.ordered < DRAIN_AGAIN);
        let drains = worker.standing == Standing::Draining;
        // One that was drained may be back in another life before the number was lowered.
        if worker.areas == 0 && (drains || (self.leaving.is_some() && !lately)) {
            return down;
        }
        if drains || lately {
            return rest(Reason::Draining(name));
        }
        self.leaving = Some(Leaving {
            worker: name.clone(),
            life: worker.life,
            ordered: now,
        });
        Decision {
            action: Action::Drain {
                worker: name,
                life: worker.life,
            },
            reason: down.reason,
        }
    }
}

fn with(view: &View, standing: Standing) -> Option<&Worker> {
    view.workers
        .iter()
        .find(|worker| worker.standing == standing)
}

const fn rest(reason: Reason) -> Decision {
    Decision {
        action: Action::Rest,
        reason,
    }
}

/// The name of a fleet's worker.
#[must_use]
pub fn member_name(fleet: &str, number: u32) -> WorkerId {
    format!("{fleet}-{number}")
}
