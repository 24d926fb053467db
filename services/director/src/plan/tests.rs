use super::*;

/// A small world of workers and areas that plans and carries the plan out.
#[derive(Debug, Clone, Default)]
pub(super) struct Given {
    pub(super) members: Vec<Candidate>,
    pub(super) areas: BTreeSet<AreaId>,
    pub(super) retired: BTreeSet<AreaId>,
    pub(super) load: BTreeMap<AreaId, Load>,
    pub(super) pins: BTreeMap<AreaId, Pin>,
    pub(super) resting: BTreeSet<AreaId>,
    pub(super) placed: BTreeMap<AreaId, Placement>,
}

pub(super) fn area(n: usize) -> AreaId {
    AreaId::new(format!("harbor-{n}")).unwrap()
}

pub(super) fn given(workers: &[&str], areas: usize) -> Given {
    let mut given = Given::default();
    for worker in workers {
        given = given.with(worker, Standing::Serving);
    }
    given.areas = (1..=areas).map(area).collect();
    given
}

impl Given {
    pub(super) fn with(mut self, worker: &str, standing: Standing) -> Self {
        self.members.retain(|member| member.worker != worker);
        self.members.push(Candidate {
            worker: worker.into(),
            capacity: 1000,
            standing,
        });
        self
    }

    fn without(mut self, worker: &str) -> Self {
        self.members.retain(|member| member.worker != worker);
        self
    }

    fn pin(mut self, n: usize, worker: &str, away: bool) -> Self {
        let pin = Pin {
            worker: worker.into(),
            away,
        };
        self.pins.insert(area(n), pin);
        self
    }

    pub(super) fn plan(&self, moves: usize) -> Plan {
        plan(Problem {
            members: &self.members,
            areas: &self.areas,
            retired: &self.retired,
            load: &self.load,
            pins: &self.pins,
            resting: &self.resting,
            previous: &self.placed,
            moves,
        })
    }

    /// Plans once, carries it out, and tells what changed.
    pub(super) fn step(&mut self, moves: usize) -> Vec<Change> {
        let changes = self.plan(moves).changes;
        for change in &changes {
            let placement = change.placement.clone();
            self.placed.insert(placement.area.clone(), placement);
        }
        changes
    }

    fn settle(mut self) -> Self {
        while !self.step(1).is_empty() {}
        self
    }

    fn counts(&self) -> BTreeMap<&str, usize> {
        counted(self.placed.values().filter_map(|p| p.worker.as_deref()))
    }

    fn successors(&self) -> BTreeMap<&str, usize> {
        counted(self.placed.values().filter_map(|p| p.successor.as_deref()))
    }

    fn owner(&self, n: usize) -> Option<&str> {
        self.placed[&area(n)].worker.as_deref()
    }
}

fn counted<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts
}

fn moved(changes: &[Change]) -> Vec<&Change> {
    let moved = |change: &&Change| change.from != change.placement.worker;
    changes.iter().filter(moved).collect()
}

#[test]
fn everybody_gets_a_fair_share() {
    let settled = given(&["ann", "ben", "cat"], 10).settle();
    assert_eq!(
        settled.counts(),
        BTreeMap::from([("ann", 4), ("ben", 3), ("cat", 3)])
    );
}

#[test]
fn a_new_worker_takes_its_share_a_few_at_a_time() {
    let mut world = given(&["ann"], 9).settle().with("ben", Standing::Serving);
    let mut steps = Vec::new();
    loop {
        let changes = world.step(2);
        if changes.is_empty() {
            break;
        }
        let moved = moved(&changes);
        assert!(
            moved
                .iter()
                .all(|c| c.placement.worker.as_deref() == Some("ben"))
        );
        assert!(moved.iter().all(|c| c.placement.generation == 2));
        assert!(
            moved
                .iter()
                .all(|c| matches!(c.reason, Reason::Evens { .. }))
        );
        steps.push(moved.len());
    }
    assert_eq!(steps, [2, 2]);
    assert_eq!(world.counts(), BTreeMap::from([("ann", 5), ("ben", 4)]));
}

#[test]
fn a_lost_workers_areas_go_to_their_successors_and_no_others_move() {
    let mut world = given(&["ann", "ben", "cat"], 9).settle().without("ben");
    let before = world.placed.clone();
    let changes = world.step(0);
    let moved = moved(&changes);
    assert_eq!(moved.len(), 3);
    for change in moved {
        let before = &before[&change.placement.area];
        assert_eq!(before.worker.as_deref(), Some("ben"));
        assert_eq!(change.placement.worker, before.successor);
        let worker = "ben".to_owned();
        assert_eq!(change.reason, Reason::Lost { worker });
    }
}

#[test]
fn a_successor_that_carries_far_more_is_passed_over() {
    let mut world = given(&["ann", "ben", "cat"], 3).settle();
    let heir = world.placed[&area(1)].successor.clone().unwrap();
    let busy = world
        .placed
        .values()
        .find(|p| p.worker.as_ref() == Some(&heir));
    let busy = busy.unwrap().area.clone();
    world.load.insert(
        busy,
        Load {
            core: 900,
            bodies: 0,
        },
    );
    let owner = world.owner(1).unwrap().to_owned();
    let mut world = world.with(&owner, Standing::Suspected);
    world.step(0);
    assert_ne!(world.placed[&area(1)].worker.as_ref(), Some(&heir));
    assert_ne!(world.owner(1), Some(owner.as_str()));
}

#[test]
fn successors_are_spread_over_the_others_and_shared_with_a_newcomer() {
    let world = given(&["ann", "ben", "cat"], 12).settle();
    assert_eq!(
        world.successors(),
        BTreeMap::from([("ann", 4), ("ben", 4), ("cat", 4)])
    );
    for placed in world.placed.values() {
        assert_ne!(placed.worker, placed.successor);
    }
    let world = world.with("dan", Standing::Serving).settle();
    assert_eq!(world.successors().get("dan"), Some(&3));
}

#[test]
fn the_only_worker_has_no_successor_and_a_lone_name_is_kept() {
    let alone = given(&["ann"], 2).settle();
    assert!(
        alone
            .placed
            .values()
            .all(|placed| placed.successor.is_none())
    );
    let pair = given(&["ann", "ben"], 2).settle();
    let mut without = pair.with("ben", Standing::Cordoned);
    assert!(without.step(4).is_empty(), "a name that may come back");
}

#[test]
fn a_draining_worker_gives_everything_a_few_at_a_time_and_gets_nothing() {
    let settled = given(&["ann", "ben"], 6).settle();
    let mut world = settled.with("ben", Standing::Draining);
    let changes = world.step(2);
    assert_eq!(moved(&changes).len(), 2);
    assert_eq!(world.settle().counts(), BTreeMap::from([("ann", 6)]));
}

#[test]
fn a_silent_workers_areas_go_at_once() {
    let settled = given(&["ann", "ben"], 6).settle();
    let mut world = settled.with("ben", Standing::Suspected);
    world.step(0);
    assert_eq!(world.counts(), BTreeMap::from([("ann", 6)]));
}

#[test]
fn the_watched_and_the_cordoned_keep_what_they_have() {
    for standing in [Standing::Watched, Standing::Cordoned] {
        let mut world = given(&["ann"], 4).settle().with("ann", standing);
        world = world.with("ben", standing);
        assert!(world.step(9).is_empty());
    }
    let mut world = given(&["ann"], 4).settle().with("ann", Standing::Cordoned);
    world = world.with("ben", Standing::Serving);
    assert!(moved(&world.step(9)).is_empty(), "not even to even out");
}

#[test]
fn with_nobody_to_take_them_areas_stay_where_they_were() {
    let mut world = given(&["ann"], 3).settle().with("ann", Standing::Draining);
    assert!(world.step(9).is_empty());
    assert_eq!(world.plan(9).waiting.len(), 3);
    assert!(given(&[], 3).step(9).is_empty());
}

#[test]
fn the_busy_area_gets_a_worker_to_itself() {
    for load in [
        Load {
            core: 800,
            bodies: 0,
        },
        Load {
            core: 0,
            bodies: 9000,
        },
    ] {
        let mut world = given(&["ann", "ben"], 5);
        world.load.insert(area(3), load);
        let world = world.settle();
        let home = world.placed[&area(3)].worker.clone();
        let there = world.placed.values().filter(|p| p.worker == home);
        assert_eq!(there.count(), 1);
    }
}

#[test]
fn a_worker_with_one_busy_area_does_not_keep_others_from_evening_out() {
    let mut world = given(&["ann", "ben"], 9);
    world.load.insert(
        area(1),
        Load {
            core: 2000,
            bodies: 0,
        },
    );
    let world = world.settle().with("cat", Standing::Serving).settle();
    assert_eq!(
        world.counts(),
        BTreeMap::from([("ann", 1), ("ben", 4), ("cat", 4)])
    );
}

#[test]
fn what_was_moved_lately_rests() {
    let mut world = given(&["ann"], 4).settle().with("ben", Standing::Serving);
    world.resting = world.areas.clone();
    assert!(moved(&world.step(9)).is_empty());
}

#[test]
fn a_quarantined_area_is_left_alone() {
    let mut world = given(&["ann"], 2);
    let quarantined = Placement {
        area: area(1),
        worker: None,
        generation: 4,
        quarantined: true,
        successor: None,
    };
    world.placed.insert(area(1), quarantined);
    let world = world.settle();
    assert_eq!(world.owner(1), None);
    assert_eq!(world.counts(), BTreeMap::from([("ann", 1)]));
}

#[test]
fn nobody_is_given_more_than_it_is_willing_to_own() {
    let mut world = given(&["ann", "ben"], 6);
    world.members[0].capacity = 1;
    world.members[1].capacity = 4;
    let world = world.settle();
    assert_eq!(world.counts(), BTreeMap::from([("ann", 1), ("ben", 4)]));
    assert_eq!(
        world.plan(9).waiting,
        BTreeMap::from([(area(6), Waiting::NoRoom)])
    );
}

#[test]
fn a_worker_that_has_become_willing_to_own_less_is_relieved() {
    let mut world = given(&["ann", "ben"], 6).settle();
    world.members[0].capacity = 1;
    let changes = world.clone().step(1);
    let worker = "ann".to_owned();
    assert_eq!(moved(&changes)[0].reason, Reason::Overfull { worker });
    assert_eq!(
        world.settle().counts(),
        BTreeMap::from([("ann", 1), ("ben", 5)])
    );
}

#[test]
fn a_bound_area_goes_to_its_worker_even_if_that_has_to_make_room() {
    let mut world = given(&["ann", "ben"], 4).settle();
    for member in &mut world.members {
        member.capacity = 3;
    }
    let world = world
        .pin(1, "ben", false)
        .pin(2, "ben", false)
        .pin(3, "ben", false);
    let world = world.settle();
    for n in 1..=3 {
        assert_eq!(world.owner(n), Some("ben"));
        assert_eq!(world.placed[&area(n)].successor, None);
    }
    assert_eq!(world.owner(4), Some("ann"));
}

#[test]
fn a_bound_area_waits_for_its_worker_and_after_that_belongs_to_nobody() {
    let world = given(&["ann", "ben"], 2).pin(1, "ben", false).settle();
    assert_eq!(world.owner(1), Some("ben"));
    let mut world = world.without("ben");
    assert!(
        world
            .step(9)
            .iter()
            .all(|change| change.placement.area != area(1))
    );
    let mut world = world.pin(1, "ben", true);
    let changes = world.step(9);
    let worker = "ben".to_owned();
    assert_eq!(changes[0].reason, Reason::PinnedAway { worker });
    assert_eq!(world.owner(1), None);
    assert!(world.plan(9).waiting.contains_key(&area(1)));
    let world = world.pin(1, "ben", false).with("ben", Standing::Serving);
    assert_eq!(world.settle().owner(1), Some("ben"));
}

#[test]
fn what_nobody_needs_is_given_to_nobody_until_it_is_needed() {
    let mut world = given(&["ann"], 2).settle();
    world.areas.remove(&area(2));
    world.retired.insert(area(2));
    let changes = world.step(0);
    assert_eq!(changes[0].reason, Reason::Retired);
    assert_eq!((world.owner(2), changes.len()), (None, 1));
    assert!(world.step(0).is_empty());
    world.retired.clear();
    world.areas.insert(area(2));
    assert_eq!(world.step(0)[0].reason, Reason::NotPlaced);
}
