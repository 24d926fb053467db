//! The acceleration of a body in one step, from what its player holds.

use schemas::Step;
use schemas::segment::{Controller, InputBits, Mode};

use super::Kinetic;
use super::step::leans_on_wall;
use crate::map::Map;
use crate::rules::{
    AIR_ACCELERATION, CUT_GRAVITY, FALL_GRAVITY, GROUND_ACCELERATION, RISE_GRAVITY, RUN_SPEED,
    TERMINAL_SPEED, WALK_SPEED,
};

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
pub(super) fn steer(map: &Map, body: &Kinetic, controller: &Controller, step: Step) -> (i32, i32) {
    let keys = effective(controller, step);
    let wish = direction(keys);
    let blocked = wish != 0 && leans_on_wall(map, body, wish);
    let speed = if blocked {
        0
    } else if keys.holds(InputBits::RUN) {
        RUN_SPEED
    } else {
        WALK_SPEED
    };
    let toward = |limit: i32| (wish * speed - body.vx).clamp(-limit, limit);
    match body.mode {
        Mode::Ground => (toward(GROUND_ACCELERATION), 0),
        Mode::Air => {
            // Who is faster already, or holds nothing, keeps the speed of the take-off.
            let keeps = wish == 0 || (!blocked && body.vx * wish >= speed);
            let ax = if keeps { 0 } else { toward(AIR_ACCELERATION) };
            (ax, gravity(body.vy, keys))
        }
    }
}

fn gravity(vy: i32, keys: InputBits) -> i32 {
    if vy >= 0 {
        FALL_GRAVITY.min(TERMINAL_SPEED - vy)
    } else if keys.holds(InputBits::JUMP) {
        RISE_GRAVITY
    } else {
        CUT_GRAVITY
    }
}
