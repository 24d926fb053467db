//! How things stand, as far as anybody knows: workers, areas, placements, and since when.
//!
//! The reconciler keeps one and acts on it; the operators' tools gather one and show what would be
//! done. Both ask the same functions, so what is shown is what is done.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schemas::AreaId;
use schemas::WorkerId;
use schemas::control::{Member, Placement};
use tokio::time::Instant;

use crate::book::{Book, OpenArea};
use crate::config::Config;
use crate::fleet::{Fleet, Patience};
use crate::instances::{self, Instance, Policy, Step};
use crate::opened::{VOID, may_be_opened};
use crate::plan::{Change, Pin, Plan, Problem, Reason, Standing, plan};
use crate::scale::{View, Worker};

/// For so long a knock keeps an area placed that is closed.
const KNOCKED: Duration = Duration::from_secs(60);
/// For so long an area that was moved to even things out is not moved for that again.
const REST: Duration = Duration::from_secs(20);
/// How many areas that cannot be are opened all the same, so that whoever was sent there comes back.
const MOST_VOIDS: usize = 64;

/// Everything that a plan is made of.
#[derive(Debug)]
pub struct Situation {
    /// The workers.
    pub fleet: Fleet,
    /// The open areas.
    pub book: Book,
    /// Who shall own what, as it is written or on its way to be.
    pub placed: BTreeMap<AreaId, Placement>,
    config: Config,
    policy: Policy,
    began: Instant,
    knocked: BTreeMap<AreaId, Instant>,
    empty_since: BTreeMap<AreaId, Instant>,
    /// Workers to which areas are bound and that are not there, since when.
    away_since: BTreeMap<WorkerId, Instant>,
    evened: BTreeMap<AreaId, Instant>,
}

/// What a knock leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Knock {
    /// The area is open; whoever owns it or shall own it hears the knock too.
    Open,
    /// It shall be opened with this map.
    Wanted(String),
    /// There are too many areas already that cannot be.
    TooMany,
}

impl Situation {
    /// An empty one.
    #[must_use]
    pub fn new(config: &Config, fronts: BTreeSet<AreaId>, now: Instant) -> Self {
        let patience = Patience {
            suspect: config.suspect_after.duration(),
            gone: config.gone_after.duration(),
            late: config.late_after.duration(),
        };
        let rules_soft = world::Rules::DEFAULT.soft_capacity;
        Self {
            fleet: Fleet::new(patience, now),
            book: Book::default(),
            placed: BTreeMap::new(),
            policy: Policy {
                soft: config.instance_soft,
                rules_soft,
                fronts,
                retire_after: config.retire_after.duration(),
            },
            config: config.clone(),
            began: now,
            knocked: BTreeMap::new(),
            empty_since: BTreeMap::new(),
            away_since: BTreeMap::new(),
            evened: BTreeMap::new(),
        }
    }

    /// Somebody wants into `area`.
    pub fn knocked(&mut self, area: &AreaId, now: Instant) -> Knock {
        if let Some(open) = self.book.get(area) {
            if open.control.closed {
                self.knocked.insert(area.clone(), now);
            }
            return Knock::Open;
        }
        if may_be_opened(area, &self.config.maps) {
            return Knock::Wanted(area.map().to_owned());
        }
        let voids = self.book.iter().filter(|(_, open)| is_void(open)).count();
        if voids >= MOST_VOIDS {
            return Knock::TooMany;
        }
        self.knocked.insert(area.clone(), now);
        Knock::Wanted(VOID.to_owned())
    }

    /// The area was steered or opened: how long it has been empty counts anew.
    pub fn begins_anew(&mut self, area: &AreaId) {
        self.empty_since.remove(area);
    }

    /// A change was carried out.
    pub fn carried_out(&mut self, change: &Change, now: Instant) {
        if matches!(change.reason, Reason::Evens { .. }) {
            self.evened.insert(change.placement.area.clone(), now);
        }
    }

    /// Brings up to date what depends on the time.
    pub fn pass(&mut self, now: Instant) {
        let since = |instant: &Instant| now.saturating_duration_since(*instant);
        self.knocked.retain(|_, at| since(at) < KNOCKED);
        self.evened.retain(|_, at| since(at) < REST);
        let bodies = self.fleet.population();
        for (area, _) in self.book.iter() {
            match bodies.get(area) {
                Some(0) => {
                    self.empty_since.entry(area.clone()).or_insert(now);
                }
                Some(_) => {
                    self.empty_since.remove(area);
                }
                // Asleep; or nobody's, and then nobody knows.
                None if self.fleet.is_owned(area) => {
                    self.empty_since.entry(area.clone()).or_insert(now);
                }
                None => {}
            }
        }
        let pinned: BTreeSet<&WorkerId> = self
            .book
            .iter()
            .filter_map(|(_, open)| open.control.pinned.as_ref())
            .collect();
        self.away_since
            .retain(|worker, _| pinned.contains(worker) && !self.fleet.has(worker));
        for worker in pinned.into_iter().filter(|worker| !self.fleet.has(worker)) {
            self.away_since.entry(worker.clone()).or_insert(now);
        }
    }

    /// Who shall own what.
    #[must_use]
    pub fn plan(&self, moves: usize, now: Instant) -> Plan {
        let bodies = self.fleet.population();
        let (mut areas, mut retired) = (BTreeSet::new(), BTreeSet::new());
        for (area, open) in self.book.iter() {
            let awake = bodies.contains_key(area);
            let set = if self.is_needed(area, open, awake, now) {
                &mut areas
            } else {
                &mut retired
            };
            set.insert(area.clone());
        }
        plan(Problem {
            members: &self.fleet.candidates(),
            areas: &areas,
            retired: &retired,
            load: &self.fleet.load(),
            pins: &self.pins(now),
            resting: &self.evened.keys().cloned().collect(),
            previous: &self.placed,
            moves,
        })
    }

    /// Whether somebody shall own an open area. Who takes nobody needs no owner while it sleeps and
    /// nobody is on the way to it.
    fn is_needed(&self, area: &AreaId, open: &OpenArea, awake: bool, now: Instant) -> bool {
        if !open.control.closed || awake || open.unconfirmed || self.knocked.contains_key(area) {
            return true;
        }
        // Whoever knocked before this director began will knock again.
        let is_placed = self
            .placed
            .get(area)
            .is_some_and(|placed| placed.worker.is_some());
        is_placed && now.saturating_duration_since(self.began) < KNOCKED
    }

    fn pins(&self, now: Instant) -> BTreeMap<AreaId, Pin> {
        let away = |worker: &WorkerId| {
            self.away_since.get(worker).is_some_and(|since| {
                now.saturating_duration_since(*since) >= self.config.pinned_grace.duration()
            })
        };
        let pin = |(area, open): (&AreaId, &OpenArea)| {
            let worker = open.control.pinned.clone()?;
            let away = away(&worker);
            Some((area.clone(), Pin { worker, away }))
        };
        self.book.iter().filter_map(pin).collect()
    }

    /// What fitting the fleet to its load goes by; so many areas wait for somebody who can take them.
    #[must_use]
    pub fn view(&self, homeless: usize) -> View {
        let load = self.fleet.load();
        let worker = |(member, standing): (&Member, Standing)| {
            let loads = member.areas.iter().filter_map(|(area, _)| load.get(area));
            Worker {
                name: member.worker.clone(),
                life: member.life,
                standing,
                capacity: member.capacity,
                areas: member.areas.len(),
                load: loads.map(|load| load.core).sum(),
                population: member.population.iter().map(|(_, bodies)| bodies).sum(),
            }
        };
        View {
            workers: self.fleet.members().map(worker).collect(),
            homeless,
        }
    }

    /// Placements of areas that their owners have put into quarantine, and that are not marked.
    #[must_use]
    pub fn quarantines(&self) -> Vec<Change> {
        let broken: BTreeSet<&AreaId> = self.fleet.quarantined().collect();
        let change = |area: &AreaId| {
            let placed = self.placed.get(area).filter(|placed| !placed.quarantined)?;
            Some(Change {
                placement: Placement {
                    area: area.clone(),
                    worker: None,
                    generation: placed.generation + 1,
                    quarantined: true,
                    successor: None,
                },
                from: placed.worker.clone(),
                reason: Reason::Quarantined,
            })
        };
        broken.into_iter().filter_map(change).collect()
    }

    /// What the instances of all maps need.
    #[must_use]
    pub fn steps(&self, now: Instant) -> Vec<Step> {
        let bodies = self.fleet.population();
        let instance = |(area, open): (&AreaId, &OpenArea)| {
            let since = self.empty_since.get(area);
            let instance = Instance {
                control: open.control.clone(),
                unconfirmed: open.unconfirmed,
                bodies: bodies.get(area).copied().unwrap_or(0),
                empty_for: since.map(|since| now.saturating_duration_since(*since)),
            };
            (area.clone(), instance)
        };
        let instances = self.book.iter().map(instance).collect();
        let mut steps = instances::lead(&instances, &self.policy);
        steps.retain(|step| match step {
            Step::Open { area, .. } => may_be_opened(area, &self.config.maps),
            Step::Steer { .. } => true,
        });
        steps
    }
}

fn is_void(open: &OpenArea) -> bool {
    open.control.map.as_deref() == Some(VOID)
}
