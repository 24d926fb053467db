//! Progress on standard error, for what takes longer than a second.

use std::time::{Duration, Instant};

const PERIOD: Duration = Duration::from_secs(1);

/// Says how far it is, at most once a second, and nothing at all when it is quick.
pub(crate) struct Progress {
    what: &'static str,
    total: u64,
    done: u64,
    told: Instant,
}

impl Progress {
    /// `total` 0: not known.
    pub(crate) fn new(what: &'static str, total: u64) -> Self {
        Self {
            what,
            total,
            done: 0,
            told: Instant::now(),
        }
    }

    /// One more.
    pub(crate) fn step(&mut self) {
        self.done += 1;
        // The clock is asked rarely: a step is a few microseconds.
        if self.done.is_multiple_of(64) && self.told.elapsed() >= PERIOD {
            self.told = Instant::now();
            match self.total {
                0 => eprintln!("{}: {}", self.what, self.done),
                total => eprintln!("{}: {} of {}", self.what, self.done, total.max(self.done)),
            }
        }
    }
}
