use proptest::prelude::*;
use schemas::control::Order;

use super::*;

/// Instances of one map that do what they are told at once.
#[derive(Debug, Clone)]
struct World {
    instances: BTreeMap<AreaId, Instance>,
    policy: Policy,
}

fn harbor(n: u32) -> AreaId {
    AreaId::new(format!("harbor-{n}")).unwrap()
}

fn by(who: &str) -> Option<Order> {
    Some(Order {
        by: who.into(),
        reason: String::new(),
    })
}

/// Instances with so many bodies, of 10 that one takes; the first is the front.
fn harbors(bodies: &[u32]) -> World {
    let mut world = World {
        instances: BTreeMap::new(),
        policy: Policy {
            soft: 10,
            rules_soft: 10,
            fronts: BTreeSet::from([harbor(1)]),
            retire_after: Duration::from_secs(600),
        },
    };
    for (n, bodies) in (1..).zip(bodies) {
        world.open(harbor(n));
        world.bodies(n, *bodies);
    }
    world
}

impl World {
    fn open(&mut self, area: AreaId) {
        let instance = Instance {
            control: AreaControl {
                map: Some(area.map().to_owned()),
                ..AreaControl::default()
            },
            ..Instance::default()
        };
        self.instances.insert(area, instance);
    }

    fn at(&mut self, n: u32) -> &mut Instance {
        self.instances.get_mut(&harbor(n)).unwrap()
    }

    fn bodies(&mut self, n: u32, bodies: u32) {
        self.at(n).bodies = bodies;
    }

    fn empty(&mut self, n: u32, seconds: u64) {
        self.at(n).empty_for = Some(Duration::from_secs(seconds));
    }

    fn lead(&self) -> Vec<Step> {
        lead(&self.instances, &self.policy)
    }

    /// Leads once, and does it; in short words.
    fn step(&mut self) -> Vec<String> {
        let steps = self.lead();
        steps.into_iter().map(|step| self.perform(step)).collect()
    }

    fn perform(&mut self, step: Step) -> String {
        match step {
            Step::Open { area, .. } => {
                let said = format!("open {area}");
                self.open(area);
                said
            }
            Step::Steer {
                area,
                closed,
                overflow,
                soft,
                ..
            } => {
                let to = overflow.as_ref().map_or("nowhere", |to| to.as_str());
                let closing = if closed { " closed" } else { "" };
                let said = format!("{area}{closing} → {to}");
                let instance = self.instances.get_mut(&area).unwrap();
                instance.control.closed = closed;
                instance.control.overflow = overflow;
                instance.control.soft = soft;
                instance.control.steered = by(DIRECTOR);
                instance.empty_for = None;
                said
            }
        }
    }

    /// Whether following overflows from anywhere ends.
    fn all_chains_end(&self) -> bool {
        self.instances.keys().all(|start| {
            let mut at = start;
            for _ in 0..=self.instances.len() {
                match self
                    .instances
                    .get(at)
                    .and_then(|i| i.control.overflow.as_ref())
                {
                    Some(next) => at = next,
                    None => return true,
                }
            }
            false
        })
    }
}

#[test]
fn a_full_front_gets_a_new_instance_and_then_sends_on_to_it() {
    let mut world = harbors(&[10]);
    assert_eq!(world.step(), ["open harbor-2"]);
    assert_eq!(world.step(), ["harbor-1 → harbor-2"]);
    assert!(world.step().is_empty());
    world.bodies(2, 10);
    assert_eq!(world.step(), ["open harbor-3"], "one new instance for both");
    assert_eq!(world.step(), ["harbor-1 → harbor-3", "harbor-2 → harbor-3"]);
    assert!(world.step().is_empty());
}

#[test]
fn an_instance_with_room_is_used_before_a_new_one_is_opened() {
    let mut world = harbors(&[10, 7, 5]);
    assert_eq!(world.step(), ["harbor-1 → harbor-3"]);
    let mut world = harbors(&[10, 9, 8]);
    assert_eq!(
        world.step(),
        ["open harbor-4"],
        "those would be full at once"
    );
}

#[test]
fn the_overflow_is_taken_back_below_four_fifths() {
    let mut world = harbors(&[10, 0]);
    world.step();
    world.bodies(1, 8);
    assert!(world.step().is_empty());
    world.bodies(1, 7);
    assert_eq!(world.step(), ["harbor-1 → nowhere"]);
}

#[test]
fn two_full_areas_do_not_send_to_each_other() {
    let mut world = harbors(&[10, 0]);
    world.step();
    world.bodies(1, 8);
    world.bodies(2, 10);
    assert_eq!(
        world.step(),
        ["open harbor-3"],
        "the first still sends to the second"
    );
    assert_eq!(world.step(), ["harbor-2 → harbor-3"]);
}

#[test]
fn what_has_been_empty_for_long_is_closed_and_used_again() {
    let mut world = harbors(&[3, 0]);
    world.empty(1, 900);
    world.empty(2, 599);
    assert!(world.step().is_empty());
    world.empty(2, 600);
    assert_eq!(world.step(), ["harbor-2 closed → harbor-1"]);
    assert!(world.step().is_empty());
    world.bodies(1, 10);
    assert_eq!(world.step(), ["harbor-2 → nowhere"]);
    world.at(2).unconfirmed = true;
    assert!(
        world.step().is_empty(),
        "it may not have heard yet that it is open"
    );
    world.at(2).unconfirmed = false;
    assert_eq!(world.step(), ["harbor-1 → harbor-2"]);
}

#[test]
fn an_empty_overflow_of_somebody_stays_open_and_so_does_the_last_of_a_map() {
    let mut world = harbors(&[10, 0]);
    world.step();
    world.empty(2, 900);
    assert!(world.step().is_empty());
    let mut world = harbors(&[0]);
    world.policy.fronts.clear();
    world.empty(1, 900);
    assert!(world.step().is_empty());
}

#[test]
fn an_overflow_that_an_operator_has_closed_is_replaced() {
    let mut world = harbors(&[10, 0]);
    world.step();
    world.at(2).control.closed = true;
    world.at(2).control.steered = by("ann");
    assert_eq!(world.step(), ["open harbor-3"]);
    assert_eq!(world.step(), ["harbor-1 → harbor-3"]);
}

#[test]
fn what_an_operator_steers_is_left_alone_until_it_is_handed_back() {
    let mut world = harbors(&[10, 0]);
    world.at(1).control.steered = by("ann");
    world.at(1).control.overflow = Some(harbor(2));
    world.bodies(1, 0);
    assert!(world.step().is_empty());
    world.at(1).control.overflow = None;
    world.bodies(1, 10);
    assert_eq!(world.step(), ["harbor-1 → harbor-2"]);
}

#[test]
fn an_area_is_told_the_number_that_is_meant() {
    let mut world = harbors(&[4, 0]);
    world.policy.soft = 4;
    world.step();
    assert_eq!(world.at(1).control.soft, 4);
    let mut world = harbors(&[4, 0]);
    world.at(1).control.soft = 3;
    world.step();
    assert_eq!(world.at(1).control.soft, 3, "it was told before");
}

#[test]
fn areas_without_a_map_and_other_maps_do_not_mix() {
    let mut world = harbors(&[10]);
    world.open(AreaId::new("forest-1").unwrap());
    world.open(AreaId::new("harbor-2").unwrap());
    world.at(2).control.map = Some(VOID.into());
    world.at(2).control.closed = true;
    assert_eq!(world.lead().len(), 1);
}

proptest! {
    #[test]
    fn chains_of_overflows_always_end(days in proptest::collection::vec(
        proptest::collection::vec((0..13_u32, 0..3_u64), 6), 1..30,
    )) {
        let mut world = harbors(&[0, 0]);
        for day in days {
            for (n, (bodies, empty)) in (1..).zip(day) {
                if world.instances.contains_key(&harbor(n)) {
                    world.bodies(n, bodies);
                    world.at(n).empty_for = (bodies == 0).then(|| Duration::from_secs(empty * 400));
                }
            }
            let closed: Vec<_> = world.instances.iter()
                .filter(|(_, i)| i.control.closed).map(|(area, _)| area.clone()).collect();
            let steps = world.lead();
            let mut asked = BTreeSet::new();
            for step in &steps {
                if let Step::Steer { area, overflow, .. } = step {
                    prop_assert!(asked.insert(area.clone()), "{} was asked twice", area);
                    if let Some(to) = overflow {
                        prop_assert!(!closed.contains(to), "{} sends on to what is closed", area);
                    }
                }
            }
            for step in steps {
                world.perform(step);
                prop_assert!(world.all_chains_end());
            }
            prop_assert!(!world.instances[&harbor(1)].control.closed, "the front");
        }
    }
}
