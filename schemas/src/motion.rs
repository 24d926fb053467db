//! Packed motion: what is not continuous with the segment before it, as a flat list of integers.
//!
//! MessagePack writes a small integer in one byte, so a key press costs a handful of bytes and
//! the same list serves the log, the websocket and JSON. One record is
//!
//! `handle, flags, from − base, until − from (−1 = forever), …one integer for each flag set`
//!
//! in the order of the flags below. What no flag names follows from the body's segment before,
//! re-based to `from`. A record with every segment flag set (`FULL`) needs no predecessor.

use serde::{Deserialize, Serialize};

use crate::ids::{Handle, Step};
use crate::segment::{Controller, InputBits, Mode, Moved, Segment};

/// `ax` differs.
pub const AX: i64 = 1;
/// `ay` differs.
pub const AY: i64 = 1 << 1;
/// `vx` is not continuous.
pub const VX: i64 = 1 << 2;
/// `vy` is not continuous.
pub const VY: i64 = 1 << 3;
/// `mode` differs.
pub const MODE: i64 = 1 << 4;
/// The held input differs; it holds since the first step after `from`.
pub const INPUT: i64 = 1 << 5;
/// `x` is not continuous.
pub const X: i64 = 1 << 6;
/// `y` is not continuous.
pub const Y: i64 = 1 << 7;
/// `coyote_until` differs, told relative to `base`.
pub const COYOTE: i64 = 1 << 8;
/// `jump_buffered_until` differs, told relative to `base`.
pub const BUFFER: i64 = 1 << 9;
/// `drop_through_until` differs, told relative to `base`.
pub const DROP: i64 = 1 << 10;
/// `stunned_until` differs, told relative to `base`.
pub const STUN: i64 = 1 << 11;
/// All that a segment consists of.
pub const FULL: i64 = AX | AY | VX | VY | MODE | X | Y;

/// Why packed motion cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MotionError {
    /// The list ends within a record.
    #[error("packed motion ends within a record, after {0} integers")]
    CutOff(usize),
    /// A number does not fit its field.
    #[error("packed motion holds {value} for {field}")]
    OutOfRange {
        /// Which field.
        field: &'static str,
        /// What stood there.
        value: i64,
    },
    /// A record leaves out what only a predecessor could tell, and the body is not known.
    #[error("packed motion continues body {0}, which is not known here")]
    UnknownBody(Handle),
}

/// Packed motion records, in the order in which they were decided.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Motion(pub Vec<i64>);

fn relative(step: Step, base: Step) -> i64 {
    i64::try_from(i128::from(step.0) - i128::from(base.0)).unwrap_or(i64::MAX)
}

fn absolute(field: &'static str, offset: i64, base: Step) -> Result<Step, MotionError> {
    base.0
        .checked_add_signed(offset)
        .map(Step)
        .ok_or(MotionError::OutOfRange {
            field,
            value: offset,
        })
}

impl Motion {
    /// Appends `moved`, leaving out what continues `before`; `base` is the frame's first step.
    pub fn push(&mut self, base: Step, before: Option<(&Segment, &Controller)>, moved: &Moved) {
        let Moved {
            handle,
            segment,
            controller,
        } = moved;
        let expected = before.map(|(segment_before, _)| segment_before.rebased(segment.from));
        let at = self.0.len() + 1;
        let until = if segment.until == Segment::FOREVER {
            -1
        } else {
            relative(segment.until, segment.from)
        };
        self.0
            .extend([i64::from(*handle), 0, relative(segment.from, base), until]);
        let mut flags = 0;
        let mut field = |flag: i64, now: i64, continued: Option<i64>| {
            if continued != Some(now) {
                flags |= flag;
                self.0.push(now);
            }
        };
        let of = |get: fn(&Segment) -> i64| (get(segment), expected.as_ref().map(get));
        for (flag, get) in [
            (AX, (|s| i64::from(s.ax)) as fn(&Segment) -> i64),
            (AY, |s| i64::from(s.ay)),
            (VX, |s| i64::from(s.vx)),
            (VY, |s| i64::from(s.vy)),
            (MODE, |s| s.mode as i64),
        ] {
            let (now, continued) = of(get);
            field(flag, now, continued);
        }
        let old = before.map_or_else(Controller::default, |(_, controller)| *controller);
        field(
            INPUT,
            i64::from(controller.input.0),
            Some(i64::from(old.input.0)),
        );
        for (flag, get) in [
            (X, (|s| i64::from(s.x)) as fn(&Segment) -> i64),
            (Y, |s| i64::from(s.y)),
        ] {
            let (now, continued) = of(get);
            field(flag, now, continued);
        }
        for (flag, now, was) in [
            (COYOTE, controller.coyote_until, old.coyote_until),
            (
                BUFFER,
                controller.jump_buffered_until,
                old.jump_buffered_until,
            ),
            (DROP, controller.drop_through_until, old.drop_through_until),
            (STUN, controller.stunned_until, old.stunned_until),
        ] {
            field(flag, relative(now, base), Some(relative(was, base)));
        }
        self.0[at] = flags;
    }

    /// Appends `segment` whole, for a reader that knows nothing of the body; no controller.
    pub fn push_full(&mut self, base: Step, handle: Handle, segment: &Segment) {
        let moved = Moved {
            handle,
            segment: *segment,
            controller: Controller::default(),
        };
        self.push(base, None, &moved);
    }

    /// The bodies that the records speak of, in order; a list that is cut off ends early.
    pub fn handles(&self) -> impl Iterator<Item = Handle> + '_ {
        let mut at = 0;
        std::iter::from_fn(move || {
            let (handle, flags) = (*self.0.get(at)?, *self.0.get(at + 1)?);
            at += 4 + usize::try_from(flags.count_ones()).unwrap_or(0);
            Handle::try_from(handle).ok()
        })
    }

    /// Unpacks every record in order. `known` answers with a body's segment and controller as
    /// they stand after the records before; a body may occur more than once.
    ///
    /// # Errors
    /// When the list is cut off, out of range, or continues a body that is not known.
    pub fn unpack<'a>(
        &self,
        base: Step,
        mut known: impl FnMut(Handle) -> Option<(&'a Segment, &'a Controller)>,
    ) -> Result<Vec<Moved>, MotionError> {
        let mut all: Vec<Moved> = Vec::new();
        let mut rest = Ints {
            list: &self.0,
            at: 0,
        };
        while rest.at < self.0.len() {
            let handle = rest.number::<Handle>("handle")?;
            let before = all
                .iter()
                .rev()
                .find(|moved| moved.handle == handle)
                .map(|moved| (moved.segment, moved.controller))
                .or_else(|| known(handle).map(|(s, c)| (*s, *c)));
            all.push(rest.record(base, handle, before)?);
        }
        Ok(all)
    }
}

struct Ints<'a> {
    list: &'a [i64],
    at: usize,
}

impl Ints<'_> {
    fn next(&mut self) -> Result<i64, MotionError> {
        let value = self
            .list
            .get(self.at)
            .copied()
            .ok_or(MotionError::CutOff(self.list.len()))?;
        self.at += 1;
        Ok(value)
    }

    fn number<T: TryFrom<i64>>(&mut self, field: &'static str) -> Result<T, MotionError> {
        let value = self.next()?;
        T::try_from(value).map_err(|_| MotionError::OutOfRange { field, value })
    }

    fn record(
        &mut self,
        base: Step,
        handle: Handle,
        before: Option<(Segment, Controller)>,
    ) -> Result<Moved, MotionError> {
        let flags = self.next()?;
        if !(0..1 << 12).contains(&flags) {
            return Err(MotionError::OutOfRange {
                field: "flags",
                value: flags,
            });
        }
        let from = absolute("from", self.next()?, base)?;
        let until = match self.next()? {
            -1 => Segment::FOREVER,
            length => absolute("until", length, from)?,
        };
        let (mut segment, mut controller) = match before {
            Some((segment, controller)) => (segment.rebased(from), controller),
            None if flags & FULL == FULL => Default::default(),
            None => return Err(MotionError::UnknownBody(handle)),
        };
        segment.from = from;
        segment.until = until;
        for (flag, name, field) in [
            (AX, "ax", &mut segment.ax as &mut i32),
            (AY, "ay", &mut segment.ay),
            (VX, "vx", &mut segment.vx),
            (VY, "vy", &mut segment.vy),
        ] {
            if flags & flag != 0 {
                *field = self.number(name)?;
            }
        }
        if flags & MODE != 0 {
            segment.mode = Mode::from_number(self.next()?);
        }
        controller.mode = segment.mode;
        if flags & INPUT != 0 {
            controller.input = InputBits(self.number("input")?);
            controller.since = from.next();
        }
        for (flag, name, field) in [
            (X, "x", &mut segment.x as &mut i32),
            (Y, "y", &mut segment.y),
        ] {
            if flags & flag != 0 {
                *field = self.number(name)?;
            }
        }
        for (flag, name, field) in [
            (COYOTE, "coyote_until", &mut controller.coyote_until),
            (
                BUFFER,
                "jump_buffered_until",
                &mut controller.jump_buffered_until,
            ),
            (
                DROP,
                "drop_through_until",
                &mut controller.drop_through_until,
            ),
            (STUN, "stunned_until", &mut controller.stunned_until),
        ] {
            if flags & flag != 0 {
                *field = absolute(name, self.next()?, base)?;
            }
        }
        Ok(Moved {
            handle,
            segment,
            controller,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runner() -> (Segment, Controller) {
        let segment = Segment {
            from: Step(90),
            x: 1000,
            y: 2000,
            vx: 512,
            until: Segment::FOREVER,
            ..Segment::default()
        };
        (
            segment,
            Controller {
                input: InputBits::RIGHT,
                since: Step(91),
                ..Controller::default()
            },
        )
    }

    #[test]
    fn a_key_press_costs_a_handful_of_bytes_and_reads_back() {
        let (segment, controller) = runner();
        let turned = Moved {
            handle: 7,
            segment: Segment {
                ax: -64,
                until: Step(123),
                ..segment.rebased(Step(99))
            },
            controller: Controller {
                input: InputBits::LEFT,
                since: Step(100),
                ..controller
            },
        };
        let mut motion = Motion::default();
        motion.push(Step(100), Some((&segment, &controller)), &turned);
        assert!(motion.0.len() == 6, "{motion:?}");
        assert!(rmp_serde::to_vec(&motion).unwrap().len() <= 9);
        let back = motion
            .unpack(Step(100), |_| Some((&segment, &controller)))
            .unwrap();
        assert_eq!(back, [turned]);
    }

    #[test]
    fn handles_are_read_without_unpacking() {
        let (segment, controller) = runner();
        let moved = Moved {
            handle: 7,
            segment,
            controller,
        };
        let mut motion = Motion::default();
        motion.push(Step(100), None, &moved);
        motion.push(
            Step(100),
            Some((&segment, &controller)),
            &Moved { handle: 9, ..moved },
        );
        motion.push_full(Step(100), 3, &segment);
        assert_eq!(motion.handles().collect::<Vec<_>>(), [7, 9, 3]);
    }

    #[test]
    fn two_records_of_one_body_follow_each_other() {
        let (segment, controller) = runner();
        let first = Moved {
            handle: 7,
            segment: Segment {
                ax: 9,
                ..segment.rebased(Step(99))
            },
            controller,
        };
        let second = Moved {
            handle: 7,
            segment: Segment {
                ax: 0,
                ..first.segment.rebased(Step(100))
            },
            controller,
        };
        let mut motion = Motion::default();
        motion.push(Step(100), Some((&segment, &controller)), &first);
        motion.push(
            Step(100),
            Some((&first.segment, &first.controller)),
            &second,
        );
        assert_eq!(
            motion
                .unpack(Step(100), |_| Some((&segment, &controller)))
                .unwrap(),
            [first, second]
        );
    }

    #[test]
    fn a_full_record_needs_no_predecessor_and_others_do() {
        let (segment, controller) = runner();
        let mut motion = Motion::default();
        motion.push_full(Step(100), 3, &segment);
        assert_eq!(
            motion.unpack(Step(100), |_| None).unwrap()[0].segment,
            segment
        );
        let mut continued = Motion::default();
        continued.push(
            Step(100),
            Some((&segment, &controller)),
            &Moved {
                handle: 3,
                segment,
                controller,
            },
        );
        assert_eq!(
            continued.unpack(Step(100), |_| None),
            Err(MotionError::UnknownBody(3))
        );
        motion.0.pop();
        assert_eq!(
            motion.unpack(Step(100), |_| None),
            Err(MotionError::CutOff(10))
        );
    }
}
