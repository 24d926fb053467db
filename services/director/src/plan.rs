//! Who shall own what: a pure function from what is known to the placements that should change,
//! each with its reason.
//!
//! The plan keeps every area where it is unless its worker is lost or leaving, or the area is bound
//! to another; gives the homeless to their **successors**, or to whoever carries least; and then
//! evens out by a bounded number of hand-overs, each of which narrows the gap between two workers.
//! A gap smaller than the slack is left alone, and a move never turns a gap around, so a plan that
//! has been carried out plans nothing. Every placed area gets a successor of its own beside its
//! owner, spread so that what one worker loses is shared by all others.
//!
//! Moving what somebody leads well is **planned** and bounded by [`Problem::moves`]; housing what
//! nobody leads is not, because players wait for it.
//!
//! What it does not know: time, the broker, whether a worker obeys. The reconciler asks again.

mod reason;
mod share;
mod successors;

use std::collections::{BTreeMap, BTreeSet};

use schemas::control::Placement;
use schemas::{AreaId, WorkerId};
use serde::Serialize;

pub use reason::{Reason, Waiting};

/// What an area costs by existing, in 1/1000 of a core.
pub const STANDING_COST: u32 = 50;
/// The gap between two idle workers, in 1/1000 of a core, that is not worth a hand-over.
pub const SLACK: u32 = 2 * STANDING_COST;
/// So many bodies cost at least 1/1000 of a core, whatever was measured of late.
pub const BODIES_PER_COST: u32 = 16;

/// What may be done with a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It may be given areas.
    Serving,
    /// It keeps what it has and is given nothing for now: it is late, or not heard after an outage.
    Watched,
    /// It keeps what it has and is given nothing, until an operator says otherwise.
    Cordoned,
    /// It wants to leave: what it has goes elsewhere, a few at a time.
    Draining,
    /// It is believed dead: what it has goes elsewhere at once, if there is an elsewhere.
    Suspected,
}

impl Standing {
    /// Whether it may be given areas.
    #[must_use]
    pub const fn takes(self) -> bool {
        matches!(self, Self::Serving)
    }

    /// Whether what it has stays with it.
    #[must_use]
    pub const fn keeps(self) -> bool {
        matches!(self, Self::Serving | Self::Watched | Self::Cordoned)
    }

    /// Its name for people and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Watched => "watched",
            Self::Cordoned => "cordoned",
            Self::Draining => "draining",
            Self::Suspected => "suspected",
        }
    }
}

/// A worker as the plan sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub worker: WorkerId,
    /// How many areas it is willing to own.
    pub capacity: u32,
    /// What may be done with it.
    pub standing: Standing,
}

/// What leading an area takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Load {
    /// Share of a core that it has lately used, in 1/1000.
    pub core: u32,
    /// Bodies in it.
    pub bodies: u32,
}

impl Load {
    /// What counts, in 1/1000 of a core: what was measured, but at least what so many bodies cost.
    #[must_use]
    pub fn cost(self) -> u64 {
        u64::from(STANDING_COST) + u64::from(self.core.max(self.bodies / BODIES_PER_COST))
    }
}

/// The only worker that may own an area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Its name.
    pub worker: WorkerId,
    /// It has been away for longer than one waits for it: nobody shall own the area.
    pub away: bool,
}

/// Where everything stands, and how much of a change is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a> {
    /// The workers, each name once.
    pub members: &'a [Candidate],
    /// The areas that somebody shall own.
    pub areas: &'a BTreeSet<AreaId>,
    /// Open areas that nobody needs: closed, asleep, and nobody knocks. Not in `areas`.
    pub retired: &'a BTreeSet<AreaId>,
    /// What each area takes; absent ones count as idle.
    pub load: &'a BTreeMap<AreaId, Load>,
    /// Areas that are bound to one worker.
    pub pins: &'a BTreeMap<AreaId, Pin>,
    /// Areas that shall not be moved merely to even things out: they have been, lately.
    pub resting: &'a BTreeSet<AreaId>,
    /// The placements as they are written now.
    pub previous: &'a BTreeMap<AreaId, Placement>,
    /// How many areas may be handed over by those who lead them well.
    pub moves: usize,
}

/// A placement that should be written, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What to write.
    pub placement: Placement,
    /// Who was to own it before.
    pub from: Option<WorkerId>,
    /// Why it changes.
    pub reason: Reason,
}

/// What should change, and what cannot be helped.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// In the order of their areas.
    pub changes: Vec<Change>,
    /// Areas that nobody can own as things are, with why.
    pub waiting: BTreeMap<AreaId, Waiting>,
}

/// Compares what should be with what is written.
#[must_use]
pub fn plan(problem: Problem<'_>) -> Plan {
    let mut share = share::Share::new(problem);
    share.bind();
    share.house_the_homeless();
    share.relieve_the_overfull();
    share.empty_the_leaving();
    share.even_out();
    share.into_plan()
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
