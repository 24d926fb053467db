//! Which area of a tick thread acts next. Knows no thread: whoever drives it says when something has come
//! and when time is up.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use runtime::metric_definitions::TICK_LATE_SECONDS;
use tokio::time::Instant;

use super::{Gauges, Key, Wake, millis};
use crate::area::run_loop::{Clock, Running};
use crate::broker_time::BrokerTime;

/// The areas of one thread.
pub(super) struct Driver {
    areas: BTreeMap<Key, Seated>,
    due: BTreeSet<(Instant, Key)>,
    gauges: Arc<Gauges>,
    anchor: Instant,
    time: Arc<BrokerTime>,
}

struct Seated {
    area: Running,
    /// When it is entered in `due`.
    due: Option<Instant>,
}

impl Driver {
    pub(super) const fn new(gauges: Arc<Gauges>, anchor: Instant, time: Arc<BrokerTime>) -> Self {
        Self {
            areas: BTreeMap::new(),
            due: BTreeSet::new(),
            gauges,
            anchor,
            time,
        }
    }

    /// When the next tick is due; `None`: not before something comes. Notes it for all to see.
    pub(super) fn next(&self) -> Option<Instant> {
        let due = self.due.first().map(|(at, _)| *at);
        let ms = due.map_or(u64::MAX, |at| {
            millis(at.saturating_duration_since(self.anchor))
        });
        self.gauges.next_due.store(ms, Ordering::Relaxed);
        if due.is_none() {
            // Nothing to be late with. A thread that lost its areas while it stood still would else
            // remember its last, late tick for ever, and its worker would never be given anything again.
            self.gauges.last_late.store(0, Ordering::Relaxed);
        }
        due
    }

    /// The time of the next tick has come.
    pub(super) fn tick(&mut self) {
        let Some(&(at, key)) = self.due.first() else {
            return;
        };
        let now = self.now();
        let late = now.instant.saturating_duration_since(at);
        self.gauges.last_late.store(millis(late), Ordering::Relaxed);
        metrics::histogram!(TICK_LATE_SECONDS).record(late.as_secs_f64());
        self.with(key, |area| area.tick(now));
    }

    /// Something has come.
    pub(super) fn on(&mut self, wake: Wake) {
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
                let now = self.now();
                self.with(key, |area| area.appended(sequence, now));
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

    fn now(&self) -> Clock {
        Clock {
            instant: Instant::now(),
            unix: self.time.now(),
        }
    }

    fn drop_area(&mut self, key: Key) {
        if let Some(Seated { due: Some(due), .. }) = self.areas.remove(&key) {
            self.due.remove(&(due, key));
        }
    }
}
