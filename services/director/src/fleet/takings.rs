//! Whether the log takes frames: what separates a worker that is ill from a log that stands still.
//!
//! A frame that hangs proves its worker ill only if the log has taken one that set out later, and
//! has taken them all the while. After a pause everybody's last attempt may still wait for an
//! answer, so for a while a hanging frame is the pause's fault.

use std::collections::BTreeMap;
use std::time::Duration;

use schemas::WorkerId;
use tokio::time::Instant;

/// So much later must the frame that was taken have set out: messages overtake one another.
const LATER: Duration = Duration::from_millis(500);
/// An area that is awake writes a frame a second at least. None from anybody for so long: a pause.
const PAUSE: Duration = Duration::from_millis(1200);
/// For so long after a pause nobody is ill: an attempt waits for its answer for up to two seconds.
const AGAIN: Duration = Duration::from_secs(3);

/// The frames that were taken of late.
#[derive(Debug)]
pub(super) struct Takings {
    /// When the youngest frame of each worker set out. What it said last counts, not what was
    /// latest: a word that came late makes a frame younger than it is.
    youngest: BTreeMap<WorkerId, Instant>,
    /// Since when there was no pause.
    since: Option<Instant>,
}

impl Takings {
    pub(super) const fn new() -> Self {
        Self {
            youngest: BTreeMap::new(),
            since: None,
        }
    }

    /// A worker has said when its youngest frame set out that was taken.
    pub(super) fn said(&mut self, worker: &str, set_out: Option<Instant>) {
        let before = self.last();
        match set_out {
            Some(set_out) => self.youngest.insert(worker.to_owned(), set_out),
            None => self.youngest.remove(worker),
        };
        let last = self.last();
        if before.is_none_or(|before| last.is_some_and(|last| last > before + PAUSE)) {
            self.since = last;
        }
    }

    /// That worker is not there any more.
    pub(super) fn forget(&mut self, worker: &str) {
        self.youngest.remove(worker);
    }

    /// Whether frames are taken now.
    pub(super) fn go_on(&self, now: Instant) -> bool {
        self.last().is_some_and(|last| now <= last + PAUSE)
    }

    /// Whether a frame that set out then, and hangs, proves that its worker is ill.
    pub(super) fn condemn(&self, set_out: Instant, now: Instant) -> bool {
        let later = self.last().is_some_and(|last| last >= set_out + LATER);
        let settled = |since: Instant| since <= set_out || now >= since + AGAIN;
        later && self.go_on(now) && self.since.is_some_and(settled)
    }

    fn last(&self) -> Option<Instant> {
        self.youngest.values().max().copied()
    }
}
