//! How long a body keeps its acceleration: running the physics ahead to the next event.

use schemas::Step;
use schemas::segment::{Controller, Mode, Segment};

use super::Kinetic;
use super::step::step;
use crate::map::{Map, Tile};
use crate::rules::{BODY_HEIGHT, BODY_WIDTH, Rules};

/// The segment of a body that stands as `body` says at the end of step `from`.
///
/// It ends where anything but its acceleration happens, and after [`Rules::horizon_steps`] at the
/// latest. Two bodies are spared that horizon, because nothing can come to them unseen: one at
/// rest (until input comes: forever) and one that runs at constant speed over level ground
/// (until the next wall or edge, at most [`Rules::look_ahead_tiles`] away).
#[must_use]
pub fn plan(
    rules: &Rules,
    map: &Map,
    body: &Kinetic,
    controller: &Controller,
    from: Step,
) -> Segment {
    let first = step(rules, map, body, controller, from.next());
    let constant = first.acceleration;
    if !first.free {
        return body.segment(from, constant, from);
    }
    let timers = controller.stunned_until.max(controller.drop_through_until);
    if constant == (0, 0) && body.mode == Mode::Ground && timers <= from {
        let until = if body.vx == 0 {
            Segment::FOREVER
        } else {
            Step(from.0 + level_steps(rules, map, body))
        };
        return body.segment(from, constant, until);
    }
    let mut now = first.body;
    let mut length = 1;
    while length < u64::from(rules.horizon_steps) {
        let next = step(rules, map, &now, controller, Step(from.0 + length + 1));
        if !next.free || next.acceleration != constant {
            break;
        }
        now = next.body;
        length += 1;
    }
    body.segment(from, constant, Step(from.0 + length))
}

/// For how many steps a runner at constant speed meets neither wall nor edge.
fn level_steps(rules: &Rules, map: &Map, body: &Kinetic) -> u64 {
    let tile = map.tile_size();
    let rows = (map.cell(body.y), map.cell(body.y + BODY_HEIGHT - 1));
    let below = map.cell(body.y + BODY_HEIGHT);
    let holds = |column: i32| map.tile(column, below) != Tile::Empty;
    let right = body.vx > 0;
    let speed = body.vx.abs();
    let (ahead, behind, onward) = if right {
        (map.cell(body.x + BODY_WIDTH - 1), map.cell(body.x), 1)
    } else {
        (map.cell(body.x), map.cell(body.x + BODY_WIDTH - 1), -1)
    };
    let mut free = i32::MAX;
    for distance in 0..=rules.look_ahead_tiles {
        let column = behind + onward * distance;
        // How far until the leading edge touches this column, and until the trailing edge is
        // in it: both in 1/256 px.
        let (to_touch, to_enter) = if right {
            (
                column * tile - (body.x + BODY_WIDTH),
                column * tile - body.x,
            )
        } else {
            let border = (column + 1) * tile;
            (body.x - border, body.x + BODY_WIDTH - border)
        };
        let is_ahead = (column - ahead) * onward > 0;
        if is_ahead && map.any((column, column), rows, |t| t == Tile::Solid) {
            free = to_touch / speed;
            break;
        }
        if distance == rules.look_ahead_tiles {
            free = to_touch.max(0) / speed;
            break;
        }
        if !holds(column) {
            let steps = (to_enter.max(0) + speed - 1) / speed;
            let x = body.x + body.vx * steps;
            let other = map.cell(if right { x + BODY_WIDTH - 1 } else { x });
            if steps > 0 && !holds(other) {
                free = steps - 1;
                break;
            }
        }
    }
    u64::try_from(free.max(1)).unwrap_or(1)
}
