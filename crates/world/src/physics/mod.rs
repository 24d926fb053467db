//! Movement: integers only, one step of 20 ms at a time, told as segments.
//!
//! In each step a body first gets its acceleration (`steer`), then moves and meets the map
//! (`step`). As long as nothing but that acceleration happens, the steps are exactly the closed
//! form of a segment; `plan` runs ahead to find for how long that is so, and `drive` carries a
//! body through the steps of a tick, applying what the player held. Whatever breaks the form (a
//! wall, a floor, an edge, a speed cap, an apex) begins a new segment.

mod drive;
mod plan;
mod steer;
mod step;

use schemas::Step;
use schemas::segment::{Controller, Mode, Segment};

pub use drive::{Driven, Keys, Presses, advance, drive};
pub use plan::plan;
pub use step::{Stepped, step};

use crate::map::Map;

/// How a body stands and moves at the end of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinetic {
    /// Left edge, 1/256 px.
    pub x: i32,
    /// Top edge, 1/256 px.
    pub y: i32,
    /// 1/256 px per step.
    pub vx: i32,
    /// 1/256 px per step.
    pub vy: i32,
    /// On something or in the air.
    pub mode: Mode,
}

impl Kinetic {
    /// A body at rest in the air: it will find its ground.
    #[must_use]
    pub const fn at(x: i32, y: i32) -> Self {
        Self {
            x,
            y,
            vx: 0,
            vy: 0,
            mode: Mode::Air,
        }
    }

    /// A body at rest at (x, y): on what holds it there, or about to fall.
    #[must_use]
    pub fn placed(map: &Map, x: i32, y: i32) -> Self {
        let held = step::is_supported(map, x, y, &Controller::default(), Step(1));
        Self {
            mode: if held { Mode::Ground } else { Mode::Air },
            ..Self::at(x, y)
        }
    }

    /// As `segment` tells it at the end of `step`.
    #[must_use]
    pub fn of(segment: &Segment, step: Step) -> Self {
        let (x, y) = segment.position(step);
        let (vx, vy) = segment.velocity(step);
        Self {
            x,
            y,
            vx,
            vy,
            mode: segment.mode,
        }
    }

    /// The segment that begins here with acceleration `a` and holds until `until`.
    #[must_use]
    pub(crate) const fn segment(&self, from: Step, a: (i32, i32), until: Step) -> Segment {
        Segment {
            from,
            x: self.x,
            y: self.y,
            vx: self.vx,
            vy: self.vy,
            ax: a.0,
            ay: a.1,
            mode: self.mode,
            until,
        }
    }
}
