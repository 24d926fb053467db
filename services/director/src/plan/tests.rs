use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// A small world of workers and areas that plans and carries the plan out.
#[derive(Debug, Clone, Default)]
struct Given {
    members: Vec<Candidate>,
    areas: Vec<AreaId>,
    load: BTreeMap<AreaId, u32>,
    placed: BTreeMap<AreaId, Placement>,
}

fn area(n: usize) -> AreaId {
    AreaId::new(format!("harbor-{n}")).unwrap()
}

fn given(workers: &[&str], areas: usize) -> Given {
    let mut given = Given::default();
    for worker in workers {
        given = given.with(worker, Standing::Serving);
    }
    given.areas = (1..=areas).map(area).collect();
    given
}

impl Given {
    fn with(mut self, worker: &str, standing: Standing) -> Self {
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

    /// Plans once, carries it out, and tells what changed.
    fn step(&mut self, moves: usize) -> Vec<Placement> {
        let changes = plan(Problem {
            members: &self.members,
            areas: &self.areas,
            load: &self.load,
            previous: &self.placed,
            moves,
        });
        for change in &changes {
            self.placed.insert(change.area.clone(), change.clone());
        }
        changes
    }

    fn settle(mut self) -> Self {
        while !self.step(1).is_empty() {}
        self
    }

    fn counts(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for worker in self.placed.values().filter_map(|p| p.worker.as_deref()) {
            *counts.entry(worker).or_default() += 1;
        }
        counts
    }
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
        assert!(changes.iter().all(|p| p.worker.as_deref() == Some("ben")));
        assert!(changes.iter().all(|p| p.generation == 2));
        steps.push(changes.len());
    }
    assert_eq!(steps, [2, 2]);
    assert_eq!(world.counts(), BTreeMap::from([("ann", 5), ("ben", 4)]));
}

#[test]
fn a_lost_workers_areas_are_placed_anew_and_no_others() {
    let mut world = given(&["ann", "ben", "cat"], 9).settle().without("ben");
    let before = world.placed.clone();
    let changes = world.step(0);
    assert_eq!(changes.len(), 3);
    for change in changes {
        assert_eq!(before[&change.area].worker.as_deref(), Some("ben"));
    }
    assert_eq!(world.counts(), BTreeMap::from([("ann", 5), ("cat", 4)]));
}

#[test]
fn a_draining_worker_gives_everything_and_gets_nothing() {
    let settled = given(&["ann", "ben"], 6).settle();
    let world = settled.with("ben", Standing::Leaving).settle();
    assert_eq!(world.counts(), BTreeMap::from([("ann", 6)]));
}

#[test]
fn a_watched_worker_keeps_what_it_has() {
    let mut world = given(&["ann"], 4).settle().with("ann", Standing::Watched);
    world = world.with("ben", Standing::Watched);
    assert!(world.step(9).is_empty());
}

#[test]
fn with_nobody_to_take_them_areas_stay_where_they_were() {
    let mut world = given(&["ann"], 3).settle().with("ann", Standing::Leaving);
    assert!(world.step(9).is_empty());
    assert!(given(&[], 3).step(9).is_empty());
}

#[test]
fn the_busy_area_gets_a_worker_to_itself() {
    let mut world = given(&["ann", "ben"], 5);
    world.load.insert(area(3), 800);
    let world = world.settle();
    let home = world.placed[&area(3)].worker.clone();
    let there = world.placed.values().filter(|p| p.worker == home);
    assert_eq!(there.count(), 1);
}

#[test]
fn a_quarantined_area_is_left_alone() {
    let mut world = given(&["ann"], 2);
    world.placed.insert(
        area(1),
        Placement {
            area: area(1),
            worker: None,
            generation: 4,
            quarantined: true,
            successor: None,
        },
    );
    let world = world.settle();
    assert_eq!(world.placed[&area(1)].worker, None);
    assert_eq!(world.counts(), BTreeMap::from([("ann", 1)]));
}

#[test]
fn nobody_is_given_more_than_it_is_willing_to_own() {
    let mut world = given(&["ann", "ben"], 6);
    world.members[0].capacity = 1;
    let world = world.settle();
    assert_eq!(world.counts(), BTreeMap::from([("ann", 1), ("ben", 5)]));
}

proptest! {
    /// A plan that has been carried out plans nothing, and every area has a home.
    #[test]
    fn replanning_an_unchanged_world_changes_nothing(
        standings in proptest::collection::vec(0..3_u8, 1..6),
        loads in proptest::collection::vec(0..900_u32, 0..40),
        homes in proptest::collection::vec(0..8_usize, 40),
    ) {
        let mut world = given(&[], loads.len());
        for (at, standing) in standings.iter().enumerate() {
            let standing = [Standing::Serving, Standing::Watched, Standing::Leaving][usize::from(*standing)];
            world = world.with(&format!("w{at}"), standing);
        }
        for (at, load) in loads.iter().enumerate() {
            world.load.insert(area(at + 1), *load);
            world.placed.insert(area(at + 1), Placement {
                area: area(at + 1),
                worker: Some(format!("w{}", homes[at])),
                generation: 1,
                quarantined: false,
                successor: None,
            });
        }
        let mut rounds = 0;
        while !world.step(2).is_empty() {
            rounds += 1;
            prop_assert!(rounds < 200, "it never settles");
        }
        if standings.contains(&0) {
            for placed in world.placed.values() {
                let name = placed.worker.as_deref().unwrap_or_default();
                let home = world.members.iter().find(|member| member.worker == name);
                prop_assert!(home.is_some_and(|home| home.standing != Standing::Leaving));
            }
        }
    }
}
