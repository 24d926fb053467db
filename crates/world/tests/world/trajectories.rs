//! Segments against stepped physics: the closed form, told once, is what a step-by-step
//! simulation finds at every single step.

use proptest::prelude::*;
use schemas::Step;
use schemas::segment::{Controller, InputBits};
use world::physics::{Driven, Keys, Kinetic, advance, drive, plan};
use world::{Map, Rules, maps};

/// One change of keys: after how many ticks, in which of the two steps, what is held.
type Press = (u64, bool, u8);

fn presses() -> impl Strategy<Value = Vec<Press>> {
    // Mostly quick changes, now and then a long run.
    let pause = prop_oneof![8 => 0_u64..8, 2 => 8_u64..40, 1 => 40_u64..200];
    proptest::collection::vec((pause, any::<bool>(), 0_u8..32), 250)
}

fn check_segment(map: &Map, (segment, _): &Driven) {
    let until = segment.until.0.min(segment.from.0 + 60);
    for step in segment.from.0..=until {
        let (x, y) = segment.position(Step(step));
        assert!(
            !map.is_blocked(x, y),
            "in a wall at step {step}: {segment:?}"
        );
        let later = segment.rebased(Step(step));
        for ahead in [step, step + 1, step + 7, segment.until.0] {
            assert_eq!(later.position(Step(ahead)), segment.position(Step(ahead)));
        }
    }
    let (x, y) = segment.position(segment.until);
    assert!(!map.is_blocked(x, y), "held in a wall: {segment:?}");
}

fn wander(map: &Map, spawn: (i32, i32), presses: &[Press]) {
    let mut body = Kinetic::placed(map, spawn.0, spawn.1);
    let mut controller = Controller {
        mode: body.mode,
        ..Controller::default()
    };
    let mut told: Driven = (
        plan(&Rules::DEFAULT, map, &body, &controller, Step(1)),
        controller,
    );
    let mut tick = 1;
    for (pause, second, bits) in presses {
        for wait in 0..=*pause {
            let base = Step(tick * 2);
            let keys = (wait == *pause).then_some(Keys {
                held: InputBits(*bits),
                pressed: InputBits::default(),
            });
            let both = if *second { [None, keys] } else { [keys, None] };
            let changes = drive(&Rules::DEFAULT, map, told, base, base, &both);
            for (step, keys) in [(base, both[0]), (base.next(), both[1])] {
                let keys = keys.filter(|keys| keys.held != controller.input);
                (body, controller) = advance(&Rules::DEFAULT, map, body, controller, keys, step);
                let segment = changes
                    .iter()
                    .rev()
                    .find(|(segment, _)| segment.from <= step)
                    .map_or(&told.0, |(segment, _)| segment);
                let formula = Kinetic::of(segment, step);
                assert_eq!(
                    (formula.x, formula.y),
                    (body.x, body.y),
                    "step {step} of {segment:?}"
                );
                // A jump is told from the end of the step before it.
                if segment.from < step {
                    assert_eq!(formula, body, "step {step} of {segment:?}");
                }
            }
            for change in &changes {
                check_segment(map, change);
            }
            if let Some(last) = changes.last() {
                told = *last;
            }
            let since = told.1.since;
            assert_eq!(
                Controller {
                    since,
                    ..controller
                },
                told.1,
                "tick {tick}"
            );
            tick += 1;
        }
    }
}

proptest! {
    // 400 wanderers of 250 key changes: 100,000 random inputs.
    #![proptest_config(crate::support::cases(400))]

    #[test]
    fn segments_are_stepped_physics_at_every_step(
        map in prop_oneof![Just("harbor"), Just("forest"), Just("meadow")],
        spawn in any::<prop::sample::Index>(),
        presses in presses(),
    ) {
        let map = &maps::builtin(map).unwrap().map;
        let spawns: Vec<_> = map.spawns.values().copied().collect();
        wander(map, *spawn.get(&spawns), &presses);
    }
}

#[test]
fn every_map_can_be_read_and_its_doors_lead_to_spawn_points() {
    for name in maps::names() {
        let map = &maps::builtin(name).unwrap().map;
        assert!(map.spawns.contains_key("start"), "{name}");
        assert!(!map.doors.is_empty(), "{name}");
        for door in &map.doors {
            let target = maps::builtin(door.to_area.map()).unwrap();
            assert!(
                target.map.spawns.contains_key(&door.to_spawn),
                "{name}: {}",
                door.name
            );
        }
        let json = serde_json::to_value(map.to_client()).unwrap();
        assert_eq!(json["tileset"]["image"], "tiles.png");
        assert!(maps::asset("tiles.png").is_some());
        for (spawn, (x, y)) in &map.spawns {
            let mode = Kinetic::placed(map, *x, *y).mode;
            assert_eq!(
                mode,
                schemas::segment::Mode::Ground,
                "{name}: {spawn} is in the air"
            );
        }
    }
}

#[test]
fn many_who_start_in_the_meadow_are_spread_over_it() {
    let meadow = &maps::builtin("meadow").unwrap().map;
    let mut crowd = std::collections::BTreeMap::<_, u32>::new();
    for id in 0..500 {
        let place = meadow.spawn("start", schemas::CharacterId(id * 7_919));
        *crowd.entry(place).or_default() += 1;
    }
    assert!(crowd.len() > 90, "{} places", crowd.len());
    assert!(crowd.values().all(|n| *n < 20));
}
