//! Walking to a door: keys from where the body is and where the door is, as a person would press them.
//!
//! The pilot knows no path. It holds the direction, runs while it is far, jumps when something stops it, drops through
//! platforms when the door is below, and after some seconds without coming closer it gives the fingers back for a
//! moment to somebody who wanders. That is enough for every door that can be reached by going there.

use std::time::Duration;

use schemas::segment::{InputBits, SUBPIXELS};
use tokio::time::Instant;

use crate::maps::Door;
use crate::own_body::Place;

const LEFT: u8 = InputBits::LEFT.0;
const RIGHT: u8 = InputBits::RIGHT.0;
const JUMP: u8 = InputBits::JUMP.0;
const DOWN: u8 = InputBits::DOWN.0;
const RUN: u8 = InputBits::RUN.0;

/// Half a body, and a body's height.
const HALF_BODY: i32 = 6 * SUBPIXELS;
const BODY_HEIGHT: i32 = 24 * SUBPIXELS;
/// Closer than this is at the door, and farther than that is worth running.
const AT_DOOR: i32 = 9 * SUBPIXELS;
const FAR: i32 = 72 * SUBPIXELS;
/// A runner's pace with some time for jumps, 1/256 px a second.
const PACE: u32 = 150 * 256;
/// So long without coming closer is being stuck; so long does somebody else steer then.
const PATIENCE: Duration = Duration::from_secs(4);
const ASTRAY: Duration = Duration::from_millis(1500);

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Advice {
    /// Hold these keys.
    Hold(u8),
    /// Let go of everything and use the door.
    Use,
    /// Wander for a while.
    Wander,
}

/// On the way to one door.
#[derive(Debug)]
pub(crate) struct Pilot {
    door: Door,
    closest: i32,
    closer_at: Instant,
    astray_until: Option<Instant>,
}

/// Signed distance of the middles, 1/256 px: positive when the door is to the right.
fn offset(door: &Door, x: i32) -> i32 {
    (door.x + door.width / 2).saturating_sub(x.saturating_add(HALF_BODY))
}

/// How long the way to `door` takes, if nothing is in it.
pub(crate) fn time_to(door: &Door, place: Place) -> Duration {
    let distance = offset(door, place.x).unsigned_abs();
    Duration::from_secs_f64(f64::from(distance) / f64::from(PACE))
}

impl Pilot {
    pub(crate) fn to(door: Door, now: Instant) -> Self {
        Self {
            door,
            closest: i32::MAX,
            closer_at: now,
            astray_until: None,
        }
    }

    /// What to press at `place` with `held` keys.
    pub(crate) fn steer(&mut self, place: Place, held: u8, now: Instant) -> Advice {
        if self.astray_until.is_some_and(|until| now < until) {
            return Advice::Wander;
        }
        self.astray_until = None;
        let offset = offset(&self.door, place.x);
        let above = place.y.saturating_add(BODY_HEIGHT) <= self.door.y;
        let below = place.y >= self.door.y.saturating_add(self.door.height);
        let there = offset.abs() <= AT_DOOR;
        if there && !above && !below {
            return Advice::Use;
        }
        if offset.abs() < self.closest {
            self.closest = offset.abs();
            self.closer_at = now;
        } else if now - self.closer_at > PATIENCE {
            self.astray_until = Some(now + ASTRAY);
            self.closest = i32::MAX;
            self.closer_at = now + ASTRAY;
            return Advice::Wander;
        }
        Advice::Hold(if there {
            // Keys act when they are pressed: let go between two presses.
            match (above, held & (DOWN | JUMP)) {
                (true, 0) => DOWN,
                (false, 0) => JUMP,
                _ => 0,
            }
        } else {
            let way = if offset > 0 { RIGHT } else { LEFT };
            let pace = if offset.abs() > FAR { RUN } else { 0 };
            let stopped = place.vx == 0 && held & way != 0;
            let rises = !place.grounded && held & JUMP != 0;
            let pressed = place.grounded && held & JUMP != 0;
            let jump = if (stopped || rises) && !pressed {
                JUMP
            } else {
                0
            };
            way | pace | jump
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOOR: Door = Door {
        x: 1000 * SUBPIXELS,
        y: 400 * SUBPIXELS,
        width: 16 * SUBPIXELS,
        height: 32 * SUBPIXELS,
    };

    fn at(x: i32, y: i32, vx: i32) -> Place {
        Place {
            x: x * SUBPIXELS,
            y: y * SUBPIXELS,
            vx,
            grounded: true,
        }
    }

    #[test]
    fn it_runs_then_walks_then_uses_the_door() {
        let now = Instant::now();
        let mut pilot = Pilot::to(DOOR, now);
        let mut steer = |place, held| pilot.steer(place, held, now);
        assert_eq!(steer(at(100, 408, 0), 0), Advice::Hold(RIGHT | RUN));
        assert_eq!(steer(at(960, 408, 800), RIGHT | RUN), Advice::Hold(RIGHT));
        assert_eq!(steer(at(1001, 408, 500), RIGHT), Advice::Use);
        assert_eq!(steer(at(1060, 408, 0), 0), Advice::Hold(LEFT));
    }

    #[test]
    fn a_wall_is_jumped_and_the_jump_pressed_anew() {
        let now = Instant::now();
        let mut pilot = Pilot::to(DOOR, now);
        let held = RIGHT | RUN;
        assert_eq!(
            pilot.steer(at(500, 408, 0), held, now),
            Advice::Hold(held | JUMP)
        );
        assert_eq!(
            pilot.steer(at(500, 408, 0), held | JUMP, now),
            Advice::Hold(held),
            "landed with the key held: let go first"
        );
    }

    #[test]
    fn above_and_below_the_door_it_drops_and_jumps() {
        let now = Instant::now();
        let mut pilot = Pilot::to(DOOR, now);
        assert_eq!(pilot.steer(at(1002, 300, 0), 0, now), Advice::Hold(DOWN));
        assert_eq!(pilot.steer(at(1002, 300, 0), DOWN, now), Advice::Hold(0));
        assert_eq!(pilot.steer(at(1002, 460, 0), 0, now), Advice::Hold(JUMP));
    }

    #[test]
    fn who_is_stuck_goes_astray_for_a_moment_and_tries_again() {
        let start = Instant::now();
        let mut pilot = Pilot::to(DOOR, start);
        let place = at(500, 408, 0);
        assert!(matches!(pilot.steer(place, 0, start), Advice::Hold(_)));
        let late = start + PATIENCE + Duration::from_millis(1);
        assert_eq!(pilot.steer(place, RIGHT, late), Advice::Wander);
        let later = late + ASTRAY;
        assert!(matches!(pilot.steer(place, 0, later), Advice::Hold(_)));
    }
}
