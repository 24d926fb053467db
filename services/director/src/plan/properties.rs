//! What holds for every plan, whatever the world looks like.

use proptest::prelude::*;

use super::tests::{Given, area, given};
use super::*;

const STANDINGS: [Standing; 5] = [
    Standing::Serving,
    Standing::Watched,
    Standing::Cordoned,
    Standing::Draining,
    Standing::Suspected,
];

/// Any world: some workers, of which areas may name even more, in any state.
fn world() -> impl Strategy<Value = Given> {
    let worker = (0..5_usize, 0..12_u32);
    let home = (0..8_usize, 0..8_usize, 0..900_u32, 0..10_u8);
    let workers = proptest::collection::vec(worker, 0..6);
    let areas = proptest::collection::vec(home, 0..40);
    (workers, areas).prop_map(|(workers, areas)| {
        let mut world = given(&[], areas.len());
        for (at, (standing, capacity)) in workers.into_iter().enumerate() {
            world = world.with(&format!("w{at}"), STANDINGS[standing]);
            world.members[at].capacity = capacity;
        }
        for (at, (home, successor, core, kind)) in areas.into_iter().enumerate() {
            let area = area(at + 1);
            world.load.insert(area.clone(), Load { core, bodies: 0 });
            if kind >= 8 {
                let worker = format!("w{successor}");
                let away = !world.members.iter().any(|m| m.worker == worker);
                world.pins.insert(area.clone(), Pin { worker, away });
            }
            if kind == 7 {
                world.areas.remove(&area);
                world.retired.insert(area.clone());
            }
            if kind != 6 {
                let placement = Placement {
                    area: area.clone(),
                    worker: (kind > 5).then(|| format!("w{home}")),
                    generation: 1,
                    quarantined: kind == 4,
                    successor: Some(format!("w{successor}")),
                };
                world.placed.insert(area, placement);
            }
        }
        world
    })
}

impl Given {
    fn standing(&self, worker: &str) -> Option<&Candidate> {
        self.members.iter().find(|member| member.worker == worker)
    }

    fn owned_by(&self, worker: &str) -> usize {
        let owned = |(area, placed): &(&AreaId, &Placement)| {
            self.areas.contains(*area) && placed.worker.as_deref() == Some(worker)
        };
        self.placed.iter().filter(owned).count()
    }

    /// Whether `area` is where somebody can lead it.
    fn is_led(&self, area: &AreaId) -> bool {
        let owner = self.placed.get(area).and_then(|p| p.worker.as_deref());
        owner.is_some_and(|owner| self.standing(owner).is_some_and(|m| m.standing.keeps()))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_plan_that_has_been_carried_out_plans_nothing(mut world in world(), moves in 1..5_usize) {
        let mut rounds = 0;
        while !world.step(moves).is_empty() {
            rounds += 1;
            prop_assert!(rounds < 300, "it never settles");
        }
    }

    #[test]
    fn every_area_is_placed_if_anybody_can_take_it(mut world in world()) {
        while !world.step(3).is_empty() {}
        let room = world.members.iter().any(|member| {
            member.standing.takes() && world.owned_by(&member.worker) < member.capacity as usize
        });
        let waiting = world.plan(3).waiting;
        for area in &world.areas {
            let placed = world.placed.get(area);
            if placed.is_some_and(|placed| placed.quarantined) {
                continue;
            }
            if !world.is_led(area) {
                prop_assert!(waiting.contains_key(area), "{area} is nobody's and nobody says so");
                prop_assert!(world.pins.contains_key(area) || !room, "{area} is nobody's");
            }
        }
    }

    #[test]
    fn nobody_gets_more_than_it_takes_nor_anything_it_must_not(mut world in world(), moves in 0..9_usize) {
        let before = world.clone();
        let changes = world.step(moves);
        for change in changes.iter().filter(|change| change.from != change.placement.worker) {
            let Some(to) = &change.placement.worker else { continue };
            let member = world.standing(to).expect("a worker that is there");
            prop_assert!(member.standing.takes(), "{} was given to {:?}", change.placement.area, member);
            let more = world.owned_by(to) > before.owned_by(to);
            prop_assert!(!more || world.owned_by(to) <= member.capacity as usize);
        }
        for change in &changes {
            prop_assert_ne!(&change.placement.successor, &change.placement.worker.clone().or(Some("-".into())));
        }
    }

    #[test]
    fn a_bound_area_goes_nowhere_but_to_its_worker(mut world in world(), moves in 0..9_usize) {
        for change in world.step(moves) {
            let Some(pin) = world.pins.get(&change.placement.area) else { continue };
            if change.from == change.placement.worker {
                prop_assert_eq!(change.reason, Reason::Successor);
            } else if let Some(to) = &change.placement.worker {
                prop_assert_eq!(to, &pin.worker);
            } else {
                prop_assert!(pin.away || world.retired.contains(&change.placement.area));
            }
            prop_assert!(change.placement.successor.is_none());
        }
    }

    #[test]
    fn what_is_led_well_moves_a_few_at_a_time(mut world in world(), moves in 0..9_usize) {
        let before = world.clone();
        let led = |change: &&Change| {
            let moves = change.placement.worker.is_some() && change.from != change.placement.worker;
            moves && before.is_led(&change.placement.area)
        };
        let changes = world.step(moves);
        let made_room = |change: &&Change| matches!(change.reason, Reason::Overfull { .. });
        let pinned = changes.iter().filter(|change| change.reason == Reason::Pinned).count();
        let room = changes.iter().filter(made_room).count();
        let led = changes.iter().filter(led).count();
        prop_assert!(led <= moves + pinned.min(room), "{led} of {moves}");
    }

    #[test]
    fn the_generation_rises_with_the_owner_and_only_then(mut world in world()) {
        let before = world.placed.clone();
        for change in world.step(3) {
            let old = before.get(&change.placement.area);
            let generation = old.map_or(0, |old| old.generation);
            let moved = old.and_then(|old| old.worker.clone()) != change.placement.worker;
            prop_assert_eq!(change.placement.generation, generation + u64::from(moved));
            prop_assert_eq!(&change.from, &old.and_then(|old| old.worker.clone()));
        }
    }
}
