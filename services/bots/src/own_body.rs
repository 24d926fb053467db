//! What a bot knows of its own body: how it moves, and what the area has said of its commands.

use schemas::motion::Motion;
use schemas::segment::{Controller, Mode, Segment};
use schemas::wire::Own;
use schemas::{Handle, Step};
use serde::Serialize;

/// The last state of its own that a bot was shown, for a checker to hold against the folded log.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct LastSeen {
    /// The character's id.
    pub character: String,
    /// Its session's fence.
    pub session: u64,
    /// The area; empty if it was never in one.
    pub area: String,
    /// Sequence of the newest frame of that area that the bot was shown, as messages of the protocol tell it.
    pub sequence: u64,
    /// First step of that frame's tick.
    pub step: u64,
    /// All commands up to this one had had their outcome then.
    pub ack_seq: u32,
    /// The step at which the newest acknowledged command was applied.
    pub applied_step: u64,
    /// 0 on the ground, 1 in the air.
    pub mode: u8,
    /// The keys that the area took for held.
    pub bits: u8,
    /// Left edge of the body at the end of that frame's tick (`step` + 1), 1/256 px.
    pub x: i32,
    /// Top edge, likewise.
    pub y: i32,
    /// The last command that the bot has sent in this session.
    pub sent_seq: u32,
}

/// What a frame tells of one's own commands and keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct OwnState {
    pub(crate) ack_seq: u32,
    pub(crate) applied_step: u64,
    pub(crate) mode: u8,
    pub(crate) bits: u8,
}

impl From<Own> for OwnState {
    fn from(own: Own) -> Self {
        Self {
            ack_seq: own.ack_seq,
            applied_step: own.applied_step,
            mode: own.mode,
            bits: own.bits,
        }
    }
}

/// One body, as its player was last told.
#[derive(Debug, Default)]
pub(crate) struct OwnBody {
    handle: Option<Handle>,
    segment: Option<Segment>,
    own: OwnState,
    sequence: u64,
    step: u64,
}

/// Where a body is and how it moves, 1/256 px and 1/256 px a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) vx: i32,
    pub(crate) grounded: bool,
}

impl OwnBody {
    /// A new picture: nothing that was known holds.
    pub(crate) fn start_over(&mut self, handle: Handle, sequence: u64, step: u64, own: Own) {
        *self = Self {
            handle: Some(handle),
            segment: None,
            own: own.into(),
            sequence,
            step,
        };
    }

    pub(crate) fn is(&self, handle: Handle) -> bool {
        self.handle == Some(handle)
    }

    /// One record of packed motion of this body.
    pub(crate) fn moved(&mut self, base: u64, record: &[i64]) {
        let still = Controller::default();
        let before = self.segment;
        let motion = Motion(record.to_vec());
        let moved = motion.unpack(Step(base), |_| Some((before.as_ref()?, &still)));
        // Motion that cannot be read is motion unknown: a checker must not take it for a place.
        self.segment = moved.ok().and_then(|all| Some(all.last()?.segment));
    }

    /// The frame as a whole has been read.
    pub(crate) fn now(&mut self, sequence: u64, step: u64, own: Option<OwnState>) {
        self.sequence = sequence;
        self.step = step;
        if let Some(own) = own {
            self.own = own;
        }
    }

    pub(crate) fn held(&self) -> u8 {
        self.own.bits
    }

    /// Where the body is `later` steps after the newest frame's tick, as far as is known.
    pub(crate) fn place(&self, later: u64) -> Option<Place> {
        let segment = self.segment?;
        let step = Step(self.step + 1 + later);
        let (x, y) = segment.position(step);
        Some(Place {
            x,
            y,
            vx: segment.velocity(step).0,
            grounded: segment.mode == Mode::Ground,
        })
    }

    /// Writes down what is known; false when the place is not.
    pub(crate) fn tell(&self, seen: &mut LastSeen) -> bool {
        let Some(place) = self.place(0) else {
            return false;
        };
        seen.sequence = self.sequence;
        seen.step = self.step;
        seen.ack_seq = self.own.ack_seq;
        seen.applied_step = self.own.applied_step;
        seen.mode = self.own.mode;
        seen.bits = self.own.bits;
        (seen.x, seen.y) = (place.x, place.y);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn motion_is_followed_as_the_protocol_tells_it() {
        let mut body = OwnBody::default();
        let own = Own {
            ack_seq: 3,
            bits: 2,
            ..Own::default()
        };
        body.start_over(7, 4700, 100, own);
        assert!(!body.tell(&mut LastSeen::default()), "no place yet");
        // The example of docs/protocol.md, section 4.
        body.moved(100, &[7, 223, -1, -1, 0, 0, 0, 0, 0, 25_600, 122_880]);
        body.moved(110, &[7, 1, -1, 8, 64]);
        body.now(4711, 112, None);
        let mut seen = LastSeen::default();
        assert!(body.tell(&mut seen));
        assert_eq!((seen.sequence, seen.step, seen.ack_seq), (4711, 112, 3));
        assert_eq!((seen.x, seen.y, seen.bits), (26_240, 122_880, 2));
        assert_eq!(body.place(4).unwrap().x, 27_904);
        assert_eq!(body.place(400).unwrap().x, 27_904, "held at `until`");
    }

    #[test]
    fn motion_that_cannot_be_read_leaves_no_place() {
        let mut body = OwnBody::default();
        body.start_over(7, 1, 100, Own::default());
        body.moved(100, &[7, 1, -1, 8, 64]);
        assert_eq!(body.place(0), None, "it continues what is not known");
    }
}
