//! Frames on their way into the log: one in flight, at most one behind it.
//!
//! While a frame is on its way exactly one further tick may be decided; its frame, if it has one,
//! waits here. So a broker that takes its time costs the players nothing, and one that stands still
//! stops the world within a tick. Nothing that a frame leads to leaves the process before the frame
//! is acknowledged.

use bytes::Bytes;
use runtime::TraceContext;
use schemas::Sequence;
use schemas::effect::Effect;
use schemas::subjects::AggregateId;
use tokio::sync::mpsc;
use world::AreaState;

use crate::crash_points::Marks;

/// A frame for the log.
#[derive(Debug)]
pub(crate) struct Write {
    /// Its bytes.
    pub(crate) payload: Bytes,
    /// The trace of one of its commands.
    pub(crate) trace: Option<TraceContext>,
    /// For fault tests.
    pub(crate) marks: Marks,
}

/// What an acknowledged frame leads to.
#[derive(Debug, Default)]
pub(crate) struct Consequences {
    /// Its effects.
    pub(crate) effects: Vec<Effect>,
    /// Sources whose effects are confirmed up to a number.
    pub(crate) confirms: Vec<(AggregateId, u64)>,
    /// The state after it, when a snapshot is due or the frame is the last.
    pub(crate) keep: Option<AreaState>,
    /// Whether the area ends with it.
    pub(crate) last: bool,
    /// For fault tests.
    pub(crate) marks: Marks,
}

/// The pipeline of one area.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pen: mpsc::UnboundedSender<Write>,
    in_flight: Option<Consequences>,
    behind: Option<(Write, Consequences)>,
    /// Whether a tick has been decided since the frame in flight.
    ahead: bool,
}

impl Pipeline {
    /// Writes through `pen`.
    pub(crate) const fn new(pen: mpsc::UnboundedSender<Write>) -> Self {
        Self {
            pen,
            in_flight: None,
            behind: None,
            ahead: false,
        }
    }

    /// Whether another tick may be decided.
    pub(crate) const fn may_decide(&self) -> bool {
        self.in_flight.is_none() || !self.ahead
    }

    /// Whether nothing is on its way.
    pub(crate) const fn is_empty(&self) -> bool {
        self.in_flight.is_none()
    }

    /// A tick has been decided, with a frame or without.
    pub(crate) fn decided(&mut self, frame: Option<(Write, Consequences)>) {
        if self.in_flight.is_some() {
            self.ahead = true;
            self.behind = frame;
        } else if let Some((write, consequences)) = frame {
            self.send(write, consequences);
        }
    }

    /// The frame in flight is in the log; what it leads to. The one behind it goes now.
    pub(crate) fn appended(&mut self) -> Option<Consequences> {
        let acknowledged = self.in_flight.take();
        self.ahead = false;
        if let Some((write, consequences)) = self.behind.take() {
            self.send(write, consequences);
        }
        acknowledged
    }

    fn send(&mut self, write: Write, consequences: Consequences) {
        // The pen is gone only when the area's task is, and then so is this soon.
        if self.pen.send(write).is_ok() {
            self.in_flight = Some(consequences);
        }
    }
}

/// What goes out of an area besides frames; done by a task, in this order.
#[derive(Debug)]
pub(crate) enum Errand {
    /// Send an effect, caused by the frame at that sequence.
    Effect(Box<Effect>, Sequence),
    /// Tell a source that its effects have been taken up to a number.
    Confirm(AggregateId, u64),
    /// Wake an area for which something is pending.
    Hint(schemas::AreaId),
    /// For fault tests: everything before this has been sent.
    Mark(crate::crash_points::CrashPoint, Marks),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(payload: &'static [u8]) -> (Write, Consequences) {
        let write = Write {
            payload: Bytes::from_static(payload),
            trace: None,
            marks: Marks::default(),
        };
        let consequences = Consequences {
            last: payload == b"last",
            ..Consequences::default()
        };
        (write, consequences)
    }

    #[test]
    fn one_frame_is_in_flight_and_one_tick_ahead_of_it() {
        let (pen, mut paper) = mpsc::unbounded_channel();
        let mut pipeline = Pipeline::new(pen);
        pipeline.decided(Some(write(b"first")));
        assert!(pipeline.may_decide() && !pipeline.is_empty());
        pipeline.decided(Some(write(b"last")));
        assert!(!pipeline.may_decide());
        assert_eq!(&paper.try_recv().unwrap().payload[..], b"first");
        assert!(paper.try_recv().is_err(), "the second waits for the first");

        assert!(pipeline.appended().is_some_and(|c| !c.last));
        assert_eq!(&paper.try_recv().unwrap().payload[..], b"last");
        assert!(pipeline.may_decide());
        assert!(pipeline.appended().is_some_and(|c| c.last));
        assert!(pipeline.is_empty());
    }

    #[test]
    fn a_tick_without_a_frame_counts_as_one_ahead() {
        let (pen, _paper) = mpsc::unbounded_channel();
        let mut pipeline = Pipeline::new(pen);
        for _ in 0..9 {
            pipeline.decided(None);
            assert!(pipeline.may_decide());
        }
        pipeline.decided(Some(write(b"first")));
        pipeline.decided(None);
        assert!(!pipeline.may_decide());
        assert!(pipeline.appended().is_some());
        assert!(pipeline.may_decide());
    }
}
