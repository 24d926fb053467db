//! Progress on standard error, for what takes longer than a second.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

const PERIOD: Duration = Duration::from_secs(1);

/// Says how far it is, at most once a second, and nothing at all when it is quick.
pub(crate) struct Progress {
    what: &'static str,
    total: u64,
    done: u64,
    /// Done in an earlier run, so that the rate is of this one.
    before: u64,
    begun: Instant,
    told: Instant,
}

impl Progress {
    /// `total` 0: not known.
    pub(crate) fn new(what: &'static str, total: u64) -> Self {
        Self::resumed(what, total, 0)
    }

    /// As [`Progress::new`], when `before` were done by an earlier run.
    pub(crate) fn resumed(what: &'static str, total: u64, before: u64) -> Self {
        Self {
            what,
            total,
            done: before,
            before,
            begun: Instant::now(),
            told: Instant::now(),
        }
    }

    /// One more.
    pub(crate) fn step(&mut self) {
        self.done += 1;
        // The clock is asked rarely: a step is a few microseconds.
        if self.done.is_multiple_of(64) {
            self.tell();
        }
    }

    /// Many more.
    pub(crate) fn advance(&mut self, count: usize) {
        self.done += count as u64;
        self.tell();
    }

    fn tell(&mut self) {
        if self.told.elapsed() >= PERIOD {
            self.told = Instant::now();
            eprintln!("{}", self.line(self.begun.elapsed()));
        }
    }

    fn line(&self, elapsed: Duration) -> String {
        let mut line = format!("{}: {}", self.what, self.done);
        let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let rate = (self.done - self.before).saturating_mul(1000) / millis.max(1);
        let left = self.total.saturating_sub(self.done);
        // Writing to a string does not fail.
        let written = match (self.total, rate) {
            (0, 0) => Ok(()),
            (0, rate) => write!(line, ", {rate} a second"),
            (_, 0) => write!(line, " of {}", self.total.max(self.done)),
            (total, rate) => write!(
                line,
                " of {}, {rate} a second, {} s left",
                total.max(self.done),
                left / rate
            ),
        };
        debug_assert!(written.is_ok());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_how_far_it_is_how_fast_and_how_long_it_takes() {
        let mut progress = Progress::resumed("frames folded", 1000, 100);
        for _ in 0..200 {
            progress.step();
        }
        assert_eq!(
            progress.line(Duration::from_secs(2)),
            "frames folded: 300 of 1000, 100 a second, 7 s left"
        );
        progress.total = 0;
        assert_eq!(
            progress.line(Duration::from_secs(2)),
            "frames folded: 300, 100 a second"
        );
    }
}
