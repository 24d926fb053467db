//! One step of one body through the map. Sideways first, then up or down, so that a corner
//! stops one of the two only. No speed reaches a tile per step, so looking at the tiles under
//! the leading edge's new place is enough.

use schemas::Step;
use schemas::segment::{Controller, Mode};

use super::Kinetic;
use super::steer::steer;
use crate::map::{Map, Tile};
use crate::rules::{BODY_HEIGHT, BODY_WIDTH, Rules};

/// A body after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stepped {
    /// How it stands now.
    pub body: Kinetic,
    /// The acceleration that it had.
    pub acceleration: (i32, i32),
    /// Whether nothing but that acceleration happened to it.
    pub free: bool,
}

/// Moves `body` through `step`.
#[must_use]
pub fn step(
    rules: &Rules,
    map: &Map,
    body: &Kinetic,
    controller: &Controller,
    step: Step,
) -> Stepped {
    let acceleration = steer(rules, map, body, controller, step);
    let formula = Kinetic {
        x: body.x + body.vx + acceleration.0,
        y: body.y + body.vy + acceleration.1,
        vx: body.vx + acceleration.0,
        vy: body.vy + acceleration.1,
        mode: body.mode,
    };
    let mut next = formula;
    sideways(map, body, &mut next);
    match body.mode {
        Mode::Ground => {
            if !is_supported(map, next.x, next.y, controller, step) {
                next.mode = Mode::Air;
            }
        }
        Mode::Air => up_or_down(map, body, &mut next, controller, step),
    }
    Stepped {
        body: next,
        acceleration,
        free: next == formula,
    }
}

fn columns(map: &Map, x: i32) -> (i32, i32) {
    (map.cell(x), map.cell(x + BODY_WIDTH - 1))
}

fn rows(map: &Map, y: i32) -> (i32, i32) {
    (map.cell(y), map.cell(y + BODY_HEIGHT - 1))
}

const fn is_solid(tile: Tile) -> bool {
    matches!(tile, Tile::Solid)
}

/// Whether a wall stands right beside the body on the side `wish`.
pub(super) fn leans_on_wall(map: &Map, body: &Kinetic, wish: i32) -> bool {
    let beside = if wish > 0 {
        map.cell(body.x + BODY_WIDTH)
    } else {
        map.cell(body.x - 1)
    };
    map.any((beside, beside), rows(map, body.y), is_solid)
}

fn sideways(map: &Map, body: &Kinetic, next: &mut Kinetic) {
    let rows = rows(map, body.y);
    let tile = map.tile_size();
    let (column, contact) = if next.vx > 0 {
        let column = map.cell(next.x + BODY_WIDTH - 1);
        (column, column * tile - BODY_WIDTH)
    } else if next.vx < 0 {
        let column = map.cell(next.x);
        (column, (column + 1) * tile)
    } else {
        return;
    };
    if map.any((column, column), rows, is_solid) {
        next.x = contact;
        next.vx = 0;
    }
}

/// Whether one-way platforms hold the body in `step`.
fn holds_one_way(controller: &Controller, step: Step) -> bool {
    step > controller.drop_through_until
}

/// Whether something under the feet of a body at (x, y) holds it.
pub(super) fn is_supported(map: &Map, x: i32, y: i32, controller: &Controller, step: Step) -> bool {
    let feet = y + BODY_HEIGHT;
    let row = map.cell(feet);
    if feet != row * map.tile_size() {
        return false;
    }
    map.any(columns(map, x), (row, row), |tile| match tile {
        Tile::Empty => false,
        Tile::Solid => true,
        Tile::OneWay => holds_one_way(controller, step),
    })
}

/// Whether nothing but one-way platforms holds a body at (x, y).
pub(super) fn stands_on_one_way(map: &Map, x: i32, y: i32) -> bool {
    let row = map.cell(y + BODY_HEIGHT);
    !map.any(columns(map, x), (row, row), is_solid)
}

fn up_or_down(map: &Map, body: &Kinetic, next: &mut Kinetic, controller: &Controller, step: Step) {
    let columns = columns(map, next.x);
    let tile = map.tile_size();
    if next.vy < 0 {
        let row = map.cell(next.y);
        if map.any(columns, (row, row), is_solid) {
            next.y = (row + 1) * tile;
            next.vy = 0;
        }
        return;
    }
    let row = map.cell(next.y + BODY_HEIGHT - 1);
    let top = row * tile;
    let from_above = body.y + BODY_HEIGHT <= top;
    let holds = |tile: Tile| match tile {
        Tile::Empty => false,
        Tile::Solid => true,
        Tile::OneWay => from_above && holds_one_way(controller, step),
    };
    if map.any(columns, (row, row), holds) {
        next.y = top - BODY_HEIGHT;
        next.vy = 0;
        next.mode = Mode::Ground;
    }
}
