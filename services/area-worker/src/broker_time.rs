//! The time that frames are stamped with: the broker's, as far as this worker knows it.
//!
//! A command expires by the broker's time, at which it was stored, against the time of the frame that consumes it. Were
//! that the owner's own clock, a machine whose clock is ahead would let everybody's commands expire, and its successors
//! after it, for a frame's time never goes back. So the broker is asked now and then what it has on its clock, and
//! between two answers this machine's monotonic clock goes on from there.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use schemas::UnixMillis;
use tokio::time::Instant;

/// An answer that is earlier than expected by less than this was only longer on its way.
const DELAYED: u64 = 1_000;

/// The broker's clock. Before the first answer it is this machine's own.
#[derive(Debug, Default)]
pub(crate) struct BrokerTime(Mutex<Option<Anchor>>);

/// What the broker's clock showed, at least, when its answer came.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    heard: Instant,
    shown: UnixMillis,
}

impl Anchor {
    fn at(self, now: Instant) -> UnixMillis {
        let since = now.saturating_duration_since(self.heard);
        UnixMillis(self.shown.0.saturating_add(millis(since)))
    }
}

impl BrokerTime {
    /// What the broker's clock shows now.
    pub(crate) fn now(&self) -> UnixMillis {
        self.anchor()
            .map_or_else(UnixMillis::now, |anchor| anchor.at(Instant::now()))
    }

    /// The broker has just said what its clock shows.
    pub(crate) fn heard(&self, shown: UnixMillis) {
        self.heard_at(Instant::now(), shown);
    }

    /// How long ago it was last heard; `None`: never.
    pub(crate) fn age(&self) -> Option<Duration> {
        self.anchor().map(|anchor| anchor.heard.elapsed())
    }

    fn anchor(&self) -> Option<Anchor> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heard_at(&self, heard: Instant, shown: UnixMillis) {
        let mut anchor = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let expected = anchor.map_or(UnixMillis(0), |anchor| anchor.at(heard));
        let delayed = shown < expected && expected.0 - shown.0 < DELAYED;
        if let Some(gap) = anchor.map(|_| expected.0.abs_diff(shown.0))
            && gap >= DELAYED
        {
            tracing::warn!(
                gap_ms = gap,
                "the broker's clock has jumped, or this machine slept; frames follow the broker's clock"
            );
        }
        *anchor = Some(Anchor {
            heard,
            shown: if delayed { expected } else { shown },
        });
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn shown(time: &BrokerTime, at: Instant) -> u64 {
        time.anchor().unwrap().at(at).0
    }

    #[test]
    fn it_goes_on_by_the_monotonic_clock_from_what_the_broker_said() {
        let (time, start) = (BrokerTime::default(), Instant::now());
        assert_eq!(time.age(), None);
        time.heard_at(start, UnixMillis(50_000));
        assert_eq!(shown(&time, start + 3 * SECOND), 53_000);
    }

    #[test]
    fn a_slow_answer_does_not_set_it_back_and_a_clock_that_was_set_does() {
        let (time, start) = (BrokerTime::default(), Instant::now());
        time.heard_at(start, UnixMillis(50_000));
        time.heard_at(start + SECOND, UnixMillis(50_700));
        assert_eq!(shown(&time, start + SECOND), 51_000);
        time.heard_at(start + 2 * SECOND, UnixMillis(52_040));
        assert_eq!(shown(&time, start + 2 * SECOND), 52_040);
        time.heard_at(start + 3 * SECOND, UnixMillis(20_000));
        assert_eq!(shown(&time, start + 3 * SECOND), 20_000);
    }
}
