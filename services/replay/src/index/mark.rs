//! What a snapshot's name tells: after which frame it was taken, and when that was.
//!
//! So the nearest one before any tick or time is found by listing names, without opening any.

use schemas::{FrameNo, Incarnation, Sequence, Tick, UnixMillis};
use world::AreaState;

/// What every snapshot's name ends with.
const SUFFIX: &str = ".state";

/// After which frame of an area a snapshot was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    /// Where that frame stands.
    pub(crate) sequence: Sequence,
    /// Its number in the area's chain.
    pub(crate) no: FrameNo,
    /// Its tick.
    pub(crate) tick: Tick,
    /// When it was decided.
    pub(crate) at: UnixMillis,
    /// In which life of the stream.
    pub(crate) incarnation: Incarnation,
}

impl Mark {
    pub(crate) fn of(state: &AreaState, sequence: Sequence, incarnation: Incarnation) -> Self {
        Self {
            sequence,
            no: state.frame_no(),
            tick: state.tick(),
            at: state.at(),
            incarnation,
        }
    }

    /// The name under which it is kept; names sort as their frames do.
    pub(crate) fn name(&self) -> String {
        let Self {
            sequence,
            no,
            tick,
            at,
            incarnation,
        } = self;
        format!(
            "{:014}-f{:012}-t{:012}-m{:014}-{incarnation}{SUFFIX}",
            sequence.0, no.0, tick.0, at.0
        )
    }

    /// Reads a name; `None`: it is not one of ours.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let mut parts = name.strip_suffix(SUFFIX)?.split('-');
        let mut number = |sign: &str| parts.next()?.strip_prefix(sign)?.parse::<u64>().ok();
        let (sequence, no) = (Sequence(number("")?), FrameNo(number("f")?));
        let (tick, at) = (Tick(number("t")?), UnixMillis(number("m")?));
        let incarnation = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some(Self {
            sequence,
            no,
            tick,
            at,
            incarnation,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(sequence: u64) -> Mark {
        Mark {
            sequence: Sequence(sequence),
            no: FrameNo(5000),
            tick: Tick(5100),
            at: UnixMillis(1_700_000_204_000),
            incarnation: Incarnation(0xabc),
        }
    }

    #[test]
    fn names_read_back_and_sort_as_frames_do() {
        assert_eq!(Mark::parse(&mark(7).name()), Some(mark(7)));
        assert!(mark(999).name() < mark(1000).name());
        for foreign in [
            "",
            "tail",
            "7.state",
            &mark(7).name()[1..],
            &mark(7).name()[..20],
        ] {
            assert!(
                Mark::parse(foreign).is_none_or(|found| found.name() != foreign),
                "{foreign:?}"
            );
        }
    }
}
