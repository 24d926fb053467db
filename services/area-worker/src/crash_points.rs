//! Places at which a fault test can end the process, as `kill -9` would.
//!
//! `WORLDLINE_CRASH_AT=<point>[@<fact>][:<n>]` names one: the n-th time (by default the first) that
//! `point` is reached (with a frame that holds a fact of that kind). Without the feature
//! `fault-injection` none of this is compiled.
//!
//! `WORLDLINE_CRASH_AT=after_append_before_ack@departed` dies when somebody's departure is in the
//! log and nobody has been told.

use schemas::fact::Fact;

/// A place worth dying at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CrashPoint {
    /// A frame is decided, nothing of it has left the process.
    BeforeAppend,
    /// A frame is in the log; the area has not been told.
    AfterAppendBeforeAck,
    /// The area knows; its effects and confirmations have not been sent.
    AfterAckBeforeEffects,
    /// A frame's effects have been sent, its confirmations have not.
    AfterEffectsBeforeConfirmations,
    /// The ownership frame is in the log; the area has not begun to run.
    AfterOwnership,
}

/// The kinds of the facts of a frame, for the points that ask for one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Marks {
    #[cfg(feature = "fault-injection")]
    kinds: Vec<&'static str>,
}

#[cfg(not(feature = "fault-injection"))]
mod absent {
    use super::{CrashPoint, Fact, Marks};

    impl Marks {
        pub(crate) const fn of(_: &[Fact]) -> Self {
            Self {}
        }
    }

    pub(crate) const fn reached(_: CrashPoint, _: &Marks) {}
}
#[cfg(not(feature = "fault-injection"))]
pub(crate) use absent::reached;

#[cfg(feature = "fault-injection")]
mod present {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::{CrashPoint, Fact, Marks};

    impl Marks {
        pub(crate) fn of(facts: &[Fact]) -> Self {
            let kinds = facts.iter().map(|fact| {
                let kind = fact.kind();
                kind.split_once('.').map_or(kind, |(name, _)| name)
            });
            Self {
                kinds: kinds.collect(),
            }
        }
    }

    struct Wanted {
        point: String,
        kind: Option<String>,
        times: u64,
    }

    static WANTED: LazyLock<Option<Wanted>> = LazyLock::new(|| {
        let text = std::env::var("WORLDLINE_CRASH_AT").ok()?;
        let (rest, times) = text.split_once(':').unwrap_or((&text, "1"));
        let (point, kind) = match rest.split_once('@') {
            Some((point, kind)) => (point, Some(kind.to_owned())),
            None => (rest, None),
        };
        Some(Wanted {
            point: point.to_owned(),
            kind,
            times: times.parse().unwrap_or(1),
        })
    });
    static SEEN: AtomicU64 = AtomicU64::new(0);

    pub(crate) fn reached(point: CrashPoint, marks: &Marks) {
        let Some(wanted) = WANTED.as_ref() else {
            return;
        };
        let name = match point {
            CrashPoint::BeforeAppend => "before_append",
            CrashPoint::AfterAppendBeforeAck => "after_append_before_ack",
            CrashPoint::AfterAckBeforeEffects => "after_ack_before_effects",
            CrashPoint::AfterEffectsBeforeConfirmations => "after_effects_before_confirmations",
            CrashPoint::AfterOwnership => "after_ownership",
        };
        let fits = |kind: &String| marks.kinds.iter().any(|mark| mark == kind);
        if name == wanted.point
            && wanted.kind.as_ref().is_none_or(fits)
            && SEEN.fetch_add(1, Ordering::SeqCst) + 1 == wanted.times
        {
            eprintln!("crash point {name} reached: ending at once");
            std::process::abort();
        }
    }
}
#[cfg(feature = "fault-injection")]
pub(crate) use present::reached;
