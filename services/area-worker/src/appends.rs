//! Which frames are on their way into the log, and since when.
//!
//! A worker whose frames are neither taken nor refused is no better than a dead one, however well it feels: its areas stand
//! still. So it falls silent, and what silence means is the director's to judge: of one among others, that these may have
//! its areas; of all at once, that it is the broker.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::ticks::Key;

/// The frames on their way, one an area at most.
#[derive(Debug, Default)]
pub(crate) struct Appends(Mutex<BTreeMap<Key, Instant>>);

/// One of them; over when this is dropped.
#[derive(Debug)]
pub(crate) struct OnItsWay<'a>(&'a Appends, Key);

impl Appends {
    /// A frame sets out.
    pub(crate) fn begun(&self, area: Key) -> OnItsWay<'_> {
        self.all().insert(area, Instant::now());
        OnItsWay(self, area)
    }

    /// For how long the oldest has been undecided.
    pub(crate) fn oldest(&self) -> Duration {
        let oldest = self.all().values().min().copied();
        oldest.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Key, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        self.0.all().remove(&self.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_oldest_counts_and_what_has_arrived_does_not() {
        let appends = Appends::default();
        let step = Duration::from_secs(1);
        assert_eq!(appends.oldest(), Duration::ZERO);
        let first = appends.begun(Key::numbered(1));
        tokio::time::advance(step).await;
        let second = appends.begun(Key::numbered(2));
        tokio::time::advance(step).await;
        assert_eq!(appends.oldest(), 2 * step);
        drop(first);
        assert_eq!(appends.oldest(), step);
        drop(second);
        assert_eq!(appends.oldest(), Duration::ZERO);
    }
}
