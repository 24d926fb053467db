//! The pilot on the real maps: every door is found from every spawn point, by the rules that areas go by.

use std::time::Duration;

use schemas::segment::{Controller, InputBits, Mode};
use schemas::{CharacterId, Step};
use tokio::time::Instant;
use world::Map;
use world::physics::{Keys, Kinetic, advance};

use crate::maps::Door;
use crate::own_body::Place;
use crate::pilot::{Advice, Pilot, time_to};
use crate::wander::Wander;

/// Steps between two looks at the world, as with ten inputs a second.
const BEAT: u64 = 5;
const STEP: Duration = Duration::from_millis(20);

/// Walks from a place to a door; how long it took, or nothing in five minutes.
fn walk(map: &Map, from: (i32, i32), door: Door, seed: u64) -> Option<Duration> {
    let start = Instant::now();
    let mut pilot = Pilot::to(door, start);
    let mut wander = Wander::new(seed, 1, false);
    let mut body = Kinetic::placed(map, from.0, from.1);
    let mut controller = Controller::default();
    for step in 1..15_000_u64 {
        let now = start + STEP * u32::try_from(step).unwrap();
        let mut keys = None;
        if step.is_multiple_of(BEAT) {
            let place = Place {
                x: body.x,
                y: body.y,
                vx: body.vx,
                grounded: body.mode == Mode::Ground,
            };
            let held = match pilot.steer(place, controller.input.0, now) {
                Advice::Use => {
                    assert!(map.door_at(body.x, body.y).is_some(), "{place:?} {door:?}");
                    return Some(now - start);
                }
                Advice::Hold(held) => held,
                Advice::Wander => wander.next_keys(),
            };
            wander.hold(held);
            keys = Some(Keys {
                held: InputBits(held),
                pressed: InputBits::default(),
            });
        }
        (body, controller) = advance(
            &world::Rules::DEFAULT,
            map,
            body,
            controller,
            keys,
            Step(step),
        );
    }
    None
}

#[test]
fn every_door_is_found_from_every_spawn_point() {
    for map in world::maps::names().filter_map(world::maps::builtin) {
        let map = &map.map;
        for door in &map.doors {
            let door = Door {
                x: door.x,
                y: door.y,
                width: door.width,
                height: door.height,
            };
            // Of the many alike on the meadow a few will do.
            for (name, from) in map.spawns.iter().step_by(1 + map.spawns.len() / 12) {
                let place = Place {
                    x: from.0,
                    y: from.1,
                    vx: 0,
                    grounded: true,
                };
                let expected = time_to(&door, place);
                let took = walk(map, *from, door, 7);
                let took = took.unwrap_or_else(|| panic!("{}: {name} to {door:?}", map.name));
                assert!(
                    took < expected * 2 + Duration::from_secs(15),
                    "{}: from {name} {took:?} instead of {expected:?}",
                    map.name
                );
            }
        }
    }
}

#[test]
fn who_comes_through_a_door_is_back_at_it_within_moments() {
    for (map, spawn) in [
        ("harbor", "from-forest"),
        ("forest", "from-harbor"),
        ("forest", "from-meadow"),
        ("meadow", "from-forest"),
    ] {
        let map = &world::maps::builtin(map).unwrap().map;
        let from = map.spawn(spawn, CharacterId::default());
        let took = map
            .doors
            .iter()
            .filter_map(|door| {
                let door = Door {
                    x: door.x,
                    y: door.y,
                    width: door.width,
                    height: door.height,
                };
                walk(map, from, door, 3)
            })
            .min();
        assert!(
            took.is_some_and(|took| took < Duration::from_secs(3)),
            "{took:?}"
        );
    }
}
