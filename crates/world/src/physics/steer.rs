//! The acceleration of a body in one step, from what its player holds.

use schemas::Step;
use schemas::segment::{Controller, InputBits, Mode};

use super::Kinetic;
use super::step::leans_on_wall;
use crate::map::Map;
use crate::rules::Rules;

/// What is held, as far as it has an effect in `step`.
pub(super) fn effective(controller: &Controller, step: Step) -> InputBits {
    if step <= controller.stunned_until {
        InputBits::default()
    } else {
        controller.input
    }
}

/// -1, 0 or 1: where the player wants to go. Both directions held are none.
fn direction(keys: InputBits) -> i32 {
    i32::from(keys.holds(InputBits::RIGHT)) - i32::from(keys.holds(InputBits::LEFT))
}

/// The acceleration with which `body` goes through `step`.
pub(super) fn steer(
    rules: &Rules,
    map: &Map,
    body: &Kinetic,
    controller: &Controller,
    step: Step,
) -> (i32, i32) {
    let keys = effective(controller, step);
    let wish = direction(keys);
    let blocked = wish != 0 && leans_on_wall(map, body, wish);
    let speed = if blocked {
        0
    } else if keys.holds(InputBits::RUN) {
        rules.run_speed
    } else {
        rules.walk_speed
    };
    let toward = |limit: i32| (wish * speed - body.vx).clamp(-limit, limit);
    match body.mode {
        Mode::Ground => (toward(rules.ground_acceleration), 0),
        Mode::Air => {
            // Who is faster already, or holds nothing, keeps the speed of the take-off.
            let keeps = wish == 0 || (!blocked && body.vx * wish >= speed);
            let ax = if keeps {
                0
            } else {
                toward(rules.air_acceleration)
            };
            (ax, gravity(rules, body.vy, keys))
        }
    }
}

fn gravity(rules: &Rules, vy: i32, keys: InputBits) -> i32 {
    if vy >= 0 {
        rules.fall_gravity.min(rules.terminal_speed - vy)
    } else if keys.holds(InputBits::JUMP) {
        rules.rise_gravity
    } else {
        rules.cut_gravity
    }
}
