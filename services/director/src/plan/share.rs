//! A share of the areas for each worker, worked out step by step.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use schemas::control::Placement;
use schemas::{AreaId, WorkerId};

use super::{Change, Plan, Problem, Reason, SLACK, STANDING_COST, Standing, Waiting, successors};

/// A successor that carries so much more than the emptiest worker, in 1/1000 of a core, is passed
/// over: a warm start is not worth an overloaded owner.
const FAR_MORE: u64 = 500;

pub(super) struct Worker {
    pub(super) name: WorkerId,
    pub(super) standing: Standing,
    pub(super) capacity: usize,
    pub(super) areas: usize,
    pub(super) cost: u64,
}

impl Worker {
    pub(super) const fn has_room(&self) -> bool {
        self.standing.takes() && self.areas < self.capacity
    }

    /// What it carries beyond what its areas cost by existing.
    const fn measured(&self) -> u64 {
        self.cost - STANDING_COST as u64 * self.areas as u64
    }
}

pub(super) struct Share<'a> {
    pub(super) problem: Problem<'a>,
    /// Those that keep what they have, by name.
    pub(super) workers: Vec<Worker>,
    /// Index of the worker for each area that has one.
    pub(super) homes: BTreeMap<&'a AreaId, usize>,
    reasons: BTreeMap<&'a AreaId, Reason>,
    /// Nobody leads these: with why.
    homeless: Vec<(&'a AreaId, Reason)>,
    /// These are led by somebody who leaves.
    leaving: Vec<(&'a AreaId, Reason)>,
    /// These shall not be where they are, but with the worker of that index.
    bound: Vec<(&'a AreaId, usize)>,
    nobodys: Vec<(&'a AreaId, Reason)>,
    waiting: BTreeMap<AreaId, Waiting>,
    moves: usize,
}

impl<'a> Share<'a> {
    pub(super) fn new(problem: Problem<'a>) -> Self {
        let keeping = problem.members.iter().filter(|m| m.standing.keeps());
        let mut workers: Vec<Worker> = keeping
            .map(|member| Worker {
                name: member.worker.clone(),
                standing: member.standing,
                capacity: member.capacity as usize,
                areas: 0,
                cost: 0,
            })
            .collect();
        workers.sort_by(|a, b| a.name.cmp(&b.name));
        let mut share = Self {
            problem,
            workers,
            homes: BTreeMap::new(),
            reasons: BTreeMap::new(),
            homeless: Vec::new(),
            leaving: Vec::new(),
            bound: Vec::new(),
            nobodys: Vec::new(),
            waiting: BTreeMap::new(),
            moves: problem.moves,
        };
        for area in problem.areas {
            share.begin(area);
        }
        let placed = |area: &&AreaId| share.previous(area).is_some_and(|p| p.worker.is_some());
        let retired = problem.retired.iter().filter(placed);
        share.nobodys.extend(
            retired
                .map(|area| (area, Reason::Retired))
                .collect::<Vec<_>>(),
        );
        share
    }

    fn previous(&self, area: &AreaId) -> Option<&'a Placement> {
        self.problem.previous.get(area)
    }

    fn index(&self, worker: &str) -> Option<usize> {
        self.workers
            .binary_search_by(|w| w.name.as_str().cmp(worker))
            .ok()
    }

    /// Leaves an area where it is, or finds out what it needs.
    fn begin(&mut self, area: &'a AreaId) {
        let placed = self.previous(area);
        if placed.is_some_and(|placement| placement.quarantined) {
            return;
        }
        let owner = placed.and_then(|placement| placement.worker.as_ref());
        let home = owner.and_then(|name| self.index(name));
        if let Some(pin) = self.problem.pins.get(area) {
            let target = self.index(&pin.worker);
            match (home, target) {
                (Some(home), Some(target)) if home == target => self.put(area, home),
                (_, Some(target)) if self.workers[target].standing.takes() => {
                    if let Some(home) = home {
                        self.put(area, home);
                    }
                    self.bound.push((area, target));
                }
                _ if pin.away => {
                    if owner.is_some() {
                        let worker = pin.worker.clone();
                        self.nobodys.push((area, Reason::PinnedAway { worker }));
                    }
                    self.wait_for(area, &pin.worker);
                }
                (Some(home), _) => {
                    self.put(area, home);
                    self.wait_for(area, &pin.worker);
                }
                (None, _) => self.wait_for(area, &pin.worker),
            }
            return;
        }
        let Some(owner) = owner else {
            self.homeless.push((area, Reason::NotPlaced));
            return;
        };
        let worker = owner.clone();
        match (home, self.leaver(owner)) {
            (Some(home), _) => self.put(area, home),
            (None, Some(Standing::Draining)) => {
                self.leaving.push((area, Reason::Draining { worker }));
            }
            (None, Some(_)) => self.homeless.push((area, Reason::Suspected { worker })),
            (None, None) => self.homeless.push((area, Reason::Lost { worker })),
        }
    }

    fn leaver(&self, worker: &str) -> Option<Standing> {
        let mut members = self.problem.members.iter();
        members.find(|m| m.worker == worker).map(|m| m.standing)
    }

    fn wait_for(&mut self, area: &AreaId, worker: &str) {
        let worker = worker.to_owned();
        self.waiting
            .insert(area.clone(), Waiting::Pinned { worker });
    }

    pub(super) fn cost(&self, area: &AreaId) -> u64 {
        self.problem
            .load
            .get(area)
            .copied()
            .unwrap_or_default()
            .cost()
    }

    fn put(&mut self, area: &'a AreaId, home: usize) {
        let cost = self.cost(area);
        if let Some(before) = self.homes.insert(area, home) {
            self.workers[before].cost -= cost;
            self.workers[before].areas -= 1;
        }
        self.workers[home].cost += cost;
        self.workers[home].areas += 1;
    }

    /// The worker that carries least of those with room; the first by name among equals.
    fn emptiest(&self) -> Option<usize> {
        let workers = self.workers.iter().enumerate();
        workers
            .filter(|(_, worker)| worker.has_room())
            .min_by_key(|(at, worker)| (worker.cost, *at))
            .map(|(at, _)| at)
    }

    /// Who shall have an area that loses its owner: its successor, unless that carries far more
    /// than the emptiest.
    fn heir(&self, area: &AreaId) -> Option<usize> {
        let emptiest = self.emptiest()?;
        let successor = self
            .previous(area)
            .and_then(|placed| placed.successor.as_ref());
        let successor = successor.and_then(|name| self.index(name)).filter(|at| {
            let worker = &self.workers[*at];
            worker.has_room() && worker.cost <= 2 * self.workers[emptiest].cost + FAR_MORE
        });
        Some(successor.unwrap_or(emptiest))
    }

    /// Brings bound areas to their workers, first making room there where that helps.
    pub(super) fn bind(&mut self) {
        for (area, target) in std::mem::take(&mut self.bound) {
            let is_led = self.homes.contains_key(area);
            if is_led && self.moves == 0 {
                continue;
            }
            // One that has too much already is relieved first, a few areas at a time.
            if self.workers[target].areas == self.workers[target].capacity {
                self.make_room(target);
            }
            if self.workers[target].has_room() {
                self.put(area, target);
                self.reasons.insert(area, Reason::Pinned);
                self.moves -= usize::from(is_led);
            } else {
                let worker = self.workers[target].name.clone();
                self.wait_for(area, &worker);
            }
        }
    }

    /// Moves one area that is bound to nobody from `worker` to where there is room.
    fn make_room(&mut self, worker: usize) -> bool {
        let loose = |(area, home): &(&&'a AreaId, &usize)| {
            **home == worker && !self.problem.pins.contains_key(area)
        };
        let cheapest = self.homes.iter().filter(loose);
        let cheapest = cheapest
            .map(|(area, _)| *area)
            .min_by_key(|area| (self.cost(area), *area));
        let (Some(area), Some(to)) = (cheapest, self.emptiest()) else {
            return false;
        };
        let reason = Reason::Overfull {
            worker: self.workers[worker].name.clone(),
        };
        self.put(area, to);
        self.reasons.insert(area, reason);
        true
    }

    pub(super) fn house_the_homeless(&mut self) {
        let homeless = std::mem::take(&mut self.homeless);
        self.house(homeless, usize::MAX);
    }

    /// Planned, so a few at a time.
    pub(super) fn empty_the_leaving(&mut self) {
        let leaving = std::mem::take(&mut self.leaving);
        self.moves -= self.house(leaving, self.moves);
    }

    /// Gives each of them to its heir, as long as there are any; how many found one.
    fn house(&mut self, mut areas: Vec<(&'a AreaId, Reason)>, most: usize) -> usize {
        // The dearest first: what is left to choose from then evens out better.
        areas.sort_by_key(|(area, _)| (Reverse(self.cost(area)), *area));
        let mut housed = 0;
        for (area, reason) in areas {
            match self.heir(area) {
                None => {
                    self.waiting.insert(area.clone(), Waiting::NoRoom);
                }
                Some(_) if housed == most => {}
                Some(home) => {
                    self.put(area, home);
                    self.reasons.insert(area, reason);
                    housed += 1;
                }
            }
        }
        housed
    }

    /// Nobody keeps more than it is willing to own, if there is room elsewhere.
    pub(super) fn relieve_the_overfull(&mut self) {
        for worker in 0..self.workers.len() {
            while self.moves > 0 && self.workers[worker].areas > self.workers[worker].capacity {
                if !self.make_room(worker) {
                    break;
                }
                self.moves -= 1;
            }
        }
    }

    pub(super) fn even_out(&mut self) {
        for _ in 0..self.moves {
            let Some((area, to)) = self.best_move() else {
                return;
            };
            let from = self.homes[area];
            let (from_cost, to_cost) = (self.workers[from].cost, self.workers[to].cost);
            self.put(area, to);
            self.reasons
                .insert(area, Reason::Evens { from_cost, to_cost });
        }
    }

    /// The dearest area that can go to the emptiest worker from the fullest that has one which does
    /// not turn the gap around.
    fn best_move(&self) -> Option<(&'a AreaId, usize)> {
        let to = self.emptiest()?;
        let mut full: Vec<usize> = (0..self.workers.len()).collect();
        full.retain(|at| self.workers[*at].standing != Standing::Cordoned);
        full.sort_by_key(|at| Reverse((self.workers[*at].cost, *at)));
        full.into_iter()
            .find_map(|from| Some((self.movable(from, to)?, to)))
    }

    fn movable(&self, from: usize, to: usize) -> Option<&'a AreaId> {
        let gap = self.workers[from].cost.checked_sub(self.workers[to].cost)?;
        // What was measured wavers; what areas cost by existing does not.
        if gap < u64::from(SLACK) + self.workers[from].measured() / 8 {
            return None;
        }
        let Problem { pins, resting, .. } = self.problem;
        let candidates = self.homes.iter().filter(|(area, home)| {
            **home == from
                && 2 * self.cost(area) <= gap
                && !pins.contains_key(**area)
                && !resting.contains(**area)
        });
        let candidates = candidates.map(|(area, _)| *area);
        candidates.max_by_key(|area| (self.cost(area), Reverse(*area)))
    }

    pub(super) fn into_plan(mut self) -> Plan {
        let successors = successors::choose(&self);
        let mut changes = Vec::new();
        for (area, home) in &self.homes {
            let before = self.previous(area);
            let from = before.and_then(|before| before.worker.clone());
            let worker = Some(self.workers[*home].name.clone());
            let successor = self.successor(area, successors.get(area).copied(), worker.as_ref());
            let moved = from != worker;
            if !moved && before.is_some_and(|before| before.successor == successor) {
                continue;
            }
            let reason = if moved {
                self.reasons.remove(area)
            } else {
                None
            };
            let generation = before.map_or(0, |before| before.generation);
            changes.push(Change {
                placement: Placement {
                    area: (*area).clone(),
                    worker,
                    generation: generation + u64::from(moved),
                    quarantined: false,
                    successor,
                },
                from,
                reason: reason.unwrap_or(Reason::Successor),
            });
        }
        for (area, reason) in &self.nobodys {
            let before = self.previous(area);
            changes.push(Change {
                placement: Placement {
                    area: (*area).clone(),
                    worker: None,
                    generation: before.map_or(1, |before| before.generation + 1),
                    quarantined: false,
                    successor: None,
                },
                from: before.and_then(|before| before.worker.clone()),
                reason: reason.clone(),
            });
        }
        changes.sort_by(|a, b| a.placement.area.cmp(&b.placement.area));
        Plan {
            changes,
            waiting: self.waiting,
        }
    }

    /// Where nobody else can be it, the one that is named stays named: it may come back.
    fn successor(
        &self,
        area: &AreaId,
        chosen: Option<usize>,
        owner: Option<&WorkerId>,
    ) -> Option<WorkerId> {
        if let Some(at) = chosen {
            return Some(self.workers[at].name.clone());
        }
        let named = self.previous(area)?.successor.as_ref();
        let bound = self.problem.pins.contains_key(area);
        named
            .filter(|named| !bound && Some(*named) != owner)
            .cloned()
    }

    /// The areas that have a home, without those that are bound to it.
    pub(super) fn loose(&self) -> impl Iterator<Item = (&'a AreaId, usize)> {
        let pins = self.problem.pins;
        let homes = self.homes.iter().map(|(area, home)| (*area, *home));
        homes.filter(move |(area, _)| !pins.contains_key(*area))
    }

    /// Areas of which the previous successor is still one that may be it.
    pub(super) fn standing_successor(&self, area: &AreaId, home: usize) -> Option<usize> {
        let named = self.previous(area)?.successor.as_ref()?;
        let at = self.index(named)?;
        (at != home && self.workers[at].standing.takes()).then_some(at)
    }
}
