//! Steps that say so when they were slow.
//!
//! Every step of a sampled trace is logged with its duration; a slow one always, as a warning. How long steps
//! take in general is for histograms.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::trace_context::TraceContext;

/// Milliseconds; set by [`install_telemetry`](crate::install_telemetry).
static SLOW_AFTER_MILLIS: AtomicU64 = AtomicU64::new(100);

pub(crate) fn set_slow_after_millis(millis: u64) {
    SLOW_AFTER_MILLIS.store(millis, Ordering::Relaxed);
}

/// Starts timing a step that belongs to no trace, or to many.
#[must_use = "a step ends when its guard is dropped"]
pub fn timed(step: &'static str) -> Timed {
    Timed {
        step,
        started: Instant::now(),
        slow_after: Duration::from_millis(SLOW_AFTER_MILLIS.load(Ordering::Relaxed)),
        trace: None,
        ended: false,
    }
}

/// A running step. [`end_timed!`](crate::end_timed) ends it with the fields that say where it happened; a step
/// that is left by `?` or a panic ends when dropped, with those of the current span.
#[derive(Debug)]
pub struct Timed {
    step: &'static str,
    started: Instant,
    slow_after: Duration,
    trace: Option<TraceContext>,
    ended: bool,
}

/// A step that is over, and whether it deserves a line.
#[derive(Debug, Clone, Copy)]
pub struct StepEnd {
    /// Its name.
    pub step: &'static str,
    /// How long it took.
    pub duration: Duration,
    /// From when on it would have been slow.
    pub slow_after: Duration,
    /// The trace it belongs to.
    pub trace: Option<TraceContext>,
}

impl StepEnd {
    /// Worth a warning.
    #[must_use]
    pub fn slow(&self) -> bool {
        self.duration > self.slow_after
    }

    /// Worth a line because its trace is sampled.
    #[must_use]
    pub fn sampled(&self) -> bool {
        self.trace.is_some_and(|trace| trace.sampled())
    }
}

impl Timed {
    /// Belongs to this trace; its end is logged if that is sampled.
    pub const fn of(mut self, trace: TraceContext) -> Self {
        self.trace = Some(trace);
        self
    }

    /// Slow after this long, whatever is configured.
    pub const fn slow_after(mut self, limit: Duration) -> Self {
        self.slow_after = limit;
        self
    }

    /// Ends it without a line; [`end_timed!`](crate::end_timed) writes one where it is due.
    pub fn finish(mut self) -> StepEnd {
        self.ended = true;
        self.now()
    }

    fn now(&self) -> StepEnd {
        let Self {
            step,
            slow_after,
            trace,
            ..
        } = *self;
        StepEnd {
            step,
            duration: self.started.elapsed(),
            slow_after,
            trace,
        }
    }
}

/// Ends a [`Timed`] step, logs it if it was slow or is sampled, and gives its duration for a histogram. The
/// fields are evaluated only if there is a line.
///
/// `end_timed!(appending, area.id = %area, tick = frame.tick)`
#[macro_export]
macro_rules! end_timed {
    ($timed:expr $(, $($fields:tt)+)?) => {
        $crate::log_step_end!($crate::Timed::finish($timed) $(, $($fields)+)?)
    };
}

/// The line of a step's end, in one place for [`end_timed!`] and for dropping.
#[doc(hidden)]
#[macro_export]
macro_rules! log_step_end {
    ($end:expr $(, $($fields:tt)+)?) => {{
        let end: $crate::StepEnd = $end;
        let millis = |duration: ::std::time::Duration| duration.as_secs_f64() * 1_000.0;
        let trace_id = end.trace.as_ref().map(|trace| $crate::__tracing::field::display(trace.trace_hex()));
        if end.slow() {
            $crate::__tracing::warn!(
                step = end.step, duration_ms = millis(end.duration), limit_ms = millis(end.slow_after),
                trace.id = trace_id, $($($fields)+,)? "a step was slow"
            );
        } else if end.sampled() {
            $crate::__tracing::info!(
                step = end.step, duration_ms = millis(end.duration),
                trace.id = trace_id, $($($fields)+,)? "step"
            );
        }
        end.duration
    }};
}

impl Drop for Timed {
    fn drop(&mut self) {
        if !self.ended {
            crate::log_step_end!(self.now());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::trace_context::Sampler;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no writer panics").write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(work: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, work);
        let bytes = lines.0.lock().expect("no writer panics").clone();
        String::from_utf8(bytes).expect("log lines are text")
    }

    #[test]
    fn a_slow_step_is_a_warning_with_its_surroundings() {
        let said = logged(|| {
            let _span =
                tracing::info_span!("worker.tick", area.id = "harbor-1", tick = 7).entered();
            drop(timed("log.append").slow_after(Duration::ZERO));
        });
        for part in [
            "WARN",
            "a step was slow",
            "log.append",
            "duration_ms",
            "area.id=\"harbor-1\"",
            "tick=7",
        ] {
            assert!(said.contains(part), "{part} is not in {said}");
        }
        assert_eq!(said.lines().count(), 1);
    }

    #[test]
    fn a_quick_step_is_logged_only_if_sampled() {
        let step = |one_in| {
            let trace = TraceContext::begin_with(&Sampler::one_in(one_in));
            let said = logged(|| {
                let _span = crate::trace_span!(trace, "projector.apply", event.seq = 12).entered();
                let step = timed("projector.write").of(trace).slow_after(Duration::MAX);
                crate::end_timed!(step);
            });
            (said, trace.trace_hex().to_string())
        };
        let (said, trace_id) = step(1);
        assert!(
            said.contains(&trace_id) && said.contains("event.seq=12") && said.contains("INFO"),
            "{said}"
        );
        assert_eq!(step(0).0, "");
    }
}
