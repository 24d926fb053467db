//! Motion as it is recorded: trajectory segments with constant acceleration, and the controller
//! that steers a body.
//!
//! With x₀, v and a in 1/256 px, 1/256 px per step and 1/256 px per step², a body that has
//! followed a segment for n steps stands at `x₀ + n·v + a·n(n+1)/2`: the closed form of adding
//! the acceleration to the velocity and then the velocity to the position, n times
//! (semi-implicit Euler), so it is exact at every step.

use serde::{Deserialize, Serialize};

use crate::ids::{ClientSeq, Handle, Step};

/// Positions per pixel: all lengths are integers of 1/256 px.
pub const SUBPIXELS: i32 = 256;

/// How a body moves.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Mode {
    /// Standing or running on something.
    #[default]
    Ground = 0,
    /// In the air: jumping or falling.
    Air = 1,
}

impl Mode {
    /// The mode with this number; an unknown one reads as [`Mode::Air`].
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        match number {
            0 => Self::Ground,
            _ => Self::Air,
        }
    }
}

/// One stretch of motion, valid from its first step until [`Segment::until`].
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Segment {
    /// The step at whose *end* the body stands at (`x`, `y`).
    pub from: Step,
    /// Left edge of the body, 1/256 px.
    pub x: i32,
    /// Top edge of the body, 1/256 px; y grows downwards.
    pub y: i32,
    /// 1/256 px per step.
    pub vx: i32,
    /// 1/256 px per step.
    pub vy: i32,
    /// 1/256 px per step².
    pub ax: i32,
    /// 1/256 px per step².
    pub ay: i32,
    /// How the body moves meanwhile.
    pub mode: Mode,
    /// The last step for which the formula holds without new input; readers hold the body there.
    pub until: Step,
}

fn along(origin: i32, velocity: i32, acceleration: i32, n: i64) -> i32 {
    let gained = i64::from(acceleration).saturating_mul(n * (n + 1) / 2);
    let sum = (n * i64::from(velocity))
        .saturating_add(gained)
        .saturating_add(i64::from(origin));
    i32::try_from(sum).unwrap_or(if sum < 0 { i32::MIN } else { i32::MAX })
}

impl Segment {
    /// `until` of a segment that nothing will end: a body at rest.
    pub const FOREVER: Step = Step(u64::MAX);

    fn elapsed(&self, step: Step) -> i64 {
        // 2^30 steps are eight months; so many times any velocity still fits an i64.
        let n = step
            .0
            .min(self.until.0)
            .saturating_sub(self.from.0)
            .min(1 << 30);
        i64::try_from(n).unwrap_or(0)
    }

    /// Where the body stands at the end of `step`, held at `until`; (x, y) in 1/256 px.
    #[must_use]
    pub fn position(&self, step: Step) -> (i32, i32) {
        let n = self.elapsed(step);
        (
            along(self.x, self.vx, self.ax, n),
            along(self.y, self.vy, self.ay, n),
        )
    }

    /// The velocity with which the body ended `step`; (vx, vy) in 1/256 px per step.
    #[must_use]
    pub fn velocity(&self, step: Step) -> (i32, i32) {
        let n = self.elapsed(step);
        (along(self.vx, self.ax, 0, n), along(self.vy, self.ay, 0, n))
    }

    /// The same motion told from a later step on; nothing that follows changes.
    #[must_use]
    pub fn rebased(&self, step: Step) -> Self {
        let step = Step(step.0.clamp(self.from.0, self.until.0.max(self.from.0)));
        let (x, y) = self.position(step);
        let (vx, vy) = self.velocity(step);
        Self {
            from: step,
            x,
            y,
            vx,
            vy,
            ..*self
        }
    }
}

/// What the player holds down, one bit a key.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct InputBits(pub u8);

impl InputBits {
    /// Walk left.
    pub const LEFT: Self = Self(1);
    /// Walk right.
    pub const RIGHT: Self = Self(2);
    /// Jump; higher the longer it is held.
    pub const JUMP: Self = Self(4);
    /// Drop through a one-way platform.
    pub const DOWN: Self = Self(8);
    /// Run instead of walk.
    pub const RUN: Self = Self(16);
    /// All that have a meaning; others are refused.
    pub const ALL: Self = Self(31);

    /// Whether all of `bits` are held.
    #[must_use]
    pub const fn holds(self, bits: Self) -> bool {
        self.0 & bits.0 == bits.0
    }
}

/// All that steers a body besides its segment. Set by `evolve` only, part of the full hash.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Controller {
    /// How the body moves.
    pub mode: Mode,
    /// What is held down.
    pub input: InputBits,
    /// Since which step `input` holds.
    pub since: Step,
    /// Until which step a body that left its ground may still jump.
    pub coyote_until: Step,
    /// Until which step a jump pressed in the air still counts on landing.
    pub jump_buffered_until: Step,
    /// Until which step one-way platforms do not hold the body.
    pub drop_through_until: Step,
    /// Until which step input has no effect.
    pub stunned_until: Step,
    /// The last of the client's commands that had its outcome.
    pub last_seq: ClientSeq,
}

/// A body's new segment, as `decide` states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Moved {
    /// Which body.
    pub handle: Handle,
    /// How it moves from now on.
    pub segment: Segment,
    /// What steers it from now on.
    pub controller: Controller,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rebasing_changes_nothing_that_follows() {
        let fall = Segment {
            from: Step(100),
            x: 7,
            y: -30,
            vx: 300,
            vy: -1200,
            ax: 5,
            ay: 40,
            mode: Mode::Air,
            until: Step(140),
        };
        for at in 100..=150 {
            let later = fall.rebased(Step(at));
            for step in at..160 {
                assert_eq!(later.position(Step(step)), fall.position(Step(step)));
                assert_eq!(later.velocity(Step(step)), fall.velocity(Step(step)));
            }
        }
    }

    #[test]
    fn extreme_values_saturate_instead_of_overflowing() {
        let wild = Segment {
            vx: i32::MAX,
            ax: i32::MAX,
            vy: i32::MIN,
            ay: i32::MIN,
            until: Segment::FOREVER,
            ..Segment::default()
        };
        assert_eq!(wild.position(Step(u64::MAX)), (i32::MAX, i32::MIN));
        assert_eq!(wild.velocity(Step(u64::MAX)), (i32::MAX, i32::MIN));
    }
}
