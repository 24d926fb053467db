//! The loop of one tick thread.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use runtime::metric_definitions::TICK_LATE_SECONDS;
use tokio::time::Instant;

use super::{Gauges, Key, Wake, millis};
use crate::area::run_loop::{Clock, Running};

/// Drives areas until nobody can send any more.
pub(super) fn drive(wakes: &Receiver<Wake>, gauges: &Gauges, anchor: Instant) {
    let mut seats = Seats::default();
    loop {
        let due = seats.due.first().copied();
        let ms = due.map_or(u64::MAX, |(at, _)| {
            millis(at.saturating_duration_since(anchor))
        });
        gauges.next_due.store(ms, Ordering::Relaxed);
        if due.is_none() {
            // Nothing to be late with. A thread that lost its areas while it stood still would else
            // remember its last, late tick for ever, and its worker would never be given anything again.
            gauges.last_late.store(0, Ordering::Relaxed);
        }
        // What has come is looked at before what is due: an acknowledgement may be what a tick waits for.
        let wake = match due {
            None => wakes.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some((at, _)) => wakes.recv_timeout(at.saturating_duration_since(Instant::now())),
        };
        match (wake, due) {
            (Ok(wake), _) => seats.on(wake),
            (Err(RecvTimeoutError::Timeout), Some((at, key))) => {
                let now = Clock::now();
                let late = now.instant.saturating_duration_since(at);
                gauges.last_late.store(millis(late), Ordering::Relaxed);
                metrics::histogram!(TICK_LATE_SECONDS).record(late.as_secs_f64());
                seats.with(key, |area| area.tick(now));
            }
            (Err(RecvTimeoutError::Timeout), None) => {}
            (Err(RecvTimeoutError::Disconnected), _) => return,
        }
    }
}

#[derive(Default)]
struct Seats {
    areas: BTreeMap<Key, Seated>,
    due: BTreeSet<(Instant, Key)>,
}

struct Seated {
    area: Running,
    /// When it is entered in `due`.
    due: Option<Instant>,
}

impl Seats {
    fn on(&mut self, wake: Wake) {
        match wake {
            Wake::Adopt(area) => {
                let key = area.key();
                let seated = Seated {
                    area: *area,
                    due: None,
                };
                self.areas.insert(key, seated);
                self.with(key, |_| {});
            }
            Wake::Appended(key, sequence) => {
                self.with(key, |area| area.appended(sequence, Clock::now()));
            }
            Wake::Lost(key) => self.drop_area(key),
            Wake::Release(key) => self.with(key, Running::release),
        }
    }

    /// Lets an area act, and notes when it wants to act next. An area that panics outside its rules,
    /// or has ended, is dropped; its task hears of it by its channels closing.
    fn with(&mut self, key: Key, act: impl FnOnce(&mut Running)) {
        let Some(seated) = self.areas.get_mut(&key) else {
            return;
        };
        if let Some(due) = seated.due.take() {
            self.due.remove(&(due, key));
        }
        let area = &mut seated.area;
        let unharmed = catch_unwind(AssertUnwindSafe(|| act(area))).is_ok();
        if !unharmed || area.has_ended() {
            self.areas.remove(&key);
            return;
        }
        seated.due = area.due();
        self.due.extend(seated.due.map(|due| (due, key)));
    }

    fn drop_area(&mut self, key: Key) {
        if let Some(Seated { due: Some(due), .. }) = self.areas.remove(&key) {
            self.due.remove(&(due, key));
        }
    }
}
