//! Who shall own what: a pure function from what is known to the placements that should change.
//!
//! An area costs what it has lately used of a core, plus a little for being there at all. The plan
//! keeps every area where it is unless its worker is lost or leaving, gives the homeless to whoever
//! carries least, and then evens out by a bounded number of hand-overs, each of which must narrow
//! the gap between the fullest and the emptiest worker. A gap smaller than [`SLACK`] is left alone,
//! and a move never turns the gap around, so a plan that has been carried out plans nothing.
//!
//! What it does not know: time, the broker, whether a worker obeys. The reconciler asks again.

use std::collections::BTreeMap;

use schemas::control::Placement;
use schemas::{AreaId, WorkerId};

/// What an area costs by existing, in 1/1000 of a core.
pub const STANDING_COST: u32 = 50;
/// The gap between two workers, in 1/1000 of a core, that is not worth a hand-over.
pub const SLACK: u32 = 2 * STANDING_COST;

/// What may be done with a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may be given areas.
    Serving,
    /// It keeps what it has and is given nothing: it is only just announced, or late.
    Watched,
    /// It is leaving or believed dead: what it has goes elsewhere, if there is an elsewhere.
    Leaving,
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

/// Where everything stands, and how much of a change is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a> {
    /// The workers, each name once.
    pub members: &'a [Candidate],
    /// The areas that are open.
    pub areas: &'a [AreaId],
    /// What each area has lately used of a core, in 1/1000; absent ones count as idle.
    pub load: &'a BTreeMap<AreaId, u32>,
    /// The placements as they are written now.
    pub previous: &'a BTreeMap<AreaId, Placement>,
    /// How many areas may be handed over merely to even things out.
    pub moves: usize,
}

/// The placements that should be written: changed ones only, in the order of their areas.
#[must_use]
pub fn plan(problem: Problem<'_>) -> Vec<Placement> {
    let mut share = Share::new(problem);
    share.house_the_homeless();
    share.even_out(problem.moves);
    share.changes()
}

struct Worker {
    name: WorkerId,
    free: u32,
    cost: u64,
    takes: bool,
}

struct Share<'a> {
    problem: Problem<'a>,
    workers: Vec<Worker>,
    /// Index of the worker for each placed area.
    homes: BTreeMap<&'a AreaId, usize>,
    homeless: Vec<&'a AreaId>,
}

impl<'a> Share<'a> {
    fn new(problem: Problem<'a>) -> Self {
        let mut workers: Vec<Worker> = problem
            .members
            .iter()
            .filter(|member| member.standing != Standing::Leaving)
            .map(|member| Worker {
                name: member.worker.clone(),
                free: member.capacity,
                cost: 0,
                takes: member.standing == Standing::Serving,
            })
            .collect();
        workers.sort_by(|a, b| a.name.cmp(&b.name));
        let mut share = Self {
            problem,
            workers,
            homes: BTreeMap::new(),
            homeless: Vec::new(),
        };
        for area in problem.areas {
            let placed = problem.previous.get(area);
            if placed.is_some_and(|placement| placement.quarantined) {
                continue;
            }
            let home = placed
                .and_then(|placement| placement.worker.as_ref())
                .and_then(|name| share.workers.iter().position(|w| w.name == *name));
            match home {
                Some(home) => share.put(area, home),
                None => share.homeless.push(area),
            }
        }
        share
    }

    fn cost(&self, area: &AreaId) -> u64 {
        u64::from(STANDING_COST) + u64::from(self.problem.load.get(area).copied().unwrap_or(0))
    }

    fn put(&mut self, area: &'a AreaId, home: usize) {
        if let Some(before) = self.homes.insert(area, home) {
            self.workers[before].cost -= self.cost(area);
            self.workers[before].free += 1;
        }
        let cost = self.cost(area);
        let worker = &mut self.workers[home];
        worker.cost += cost;
        worker.free = worker.free.saturating_sub(1);
    }

    /// The worker that carries least of those that still take; the first by name among equals.
    fn emptiest(&self) -> Option<usize> {
        let takers = self.workers.iter().enumerate();
        takers
            .filter(|(_, worker)| worker.takes && worker.free > 0)
            .min_by_key(|(at, worker)| (worker.cost, *at))
            .map(|(at, _)| at)
    }

    fn house_the_homeless(&mut self) {
        let mut homeless = std::mem::take(&mut self.homeless);
        // The dearest first: what is left to choose from then evens out better.
        homeless.sort_by_key(|area| (std::cmp::Reverse(self.cost(area)), *area));
        for area in homeless {
            if let Some(home) = self.emptiest() {
                self.put(area, home);
            }
        }
    }

    fn even_out(&mut self, moves: usize) {
        for _ in 0..moves {
            let Some((area, to)) = self.best_move() else {
                return;
            };
            self.put(area, to);
        }
    }

    /// The dearest area that can go from the fullest worker to the emptiest without turning the
    /// gap around.
    fn best_move(&self) -> Option<(&'a AreaId, usize)> {
        let to = self.emptiest()?;
        let full = self.workers.iter().enumerate();
        let (from, fullest) = full.max_by_key(|(at, worker)| (worker.cost, *at))?;
        let gap = fullest.cost.checked_sub(self.workers[to].cost)?;
        if gap < u64::from(SLACK) {
            return None;
        }
        self.homes
            .iter()
            .filter(|(area, home)| **home == from && 2 * self.cost(area) <= gap)
            .map(|(area, _)| *area)
            .max_by_key(|area| (self.cost(area), std::cmp::Reverse(*area)))
            .map(|area| (area, to))
    }

    fn changes(self) -> Vec<Placement> {
        let Self {
            problem,
            workers,
            homes,
            ..
        } = self;
        homes
            .into_iter()
            .filter_map(|(area, home)| {
                let worker = Some(workers[home].name.clone());
                let before = problem.previous.get(area);
                if before.is_some_and(|before| before.worker == worker) {
                    return None;
                }
                Some(Placement {
                    area: area.clone(),
                    worker,
                    generation: before.map_or(1, |before| before.generation + 1),
                    quarantined: false,
                    successor: None,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
