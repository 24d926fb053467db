//! Which frames are on their way into the log, and since when.
//!
//! A worker whose frames are neither taken nor refused is no better than a dead one, however well it feels: its areas stand
//! still. So its heartbeat says it, and which of its frames the log took last, and what that means is the director's to
//! judge: while others' frames are taken, that these may have its areas; while nobody's are, that it is the broker.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::ticks::Key;

/// The frames on their way, and the youngest that has arrived.
#[derive(Debug, Default)]
pub(crate) struct Appends(Mutex<Frames>);

#[derive(Debug, Default)]
struct Frames {
    /// When they set out; one an area at most.
    on_their_way: BTreeMap<Key, Instant>,
    /// When the youngest set out that the log has taken.
    youngest_taken: Option<Instant>,
}

/// One of them; over when this is dropped.
#[derive(Debug)]
pub(crate) struct OnItsWay<'a>(&'a Appends, Key);

impl Appends {
    /// A frame sets out.
    pub(crate) fn begun(&self, area: Key) -> OnItsWay<'_> {
        self.all().on_their_way.insert(area, Instant::now());
        OnItsWay(self, area)
    }

    /// For how long the oldest has been undecided.
    pub(crate) fn oldest(&self) -> Duration {
        let oldest = self.all().on_their_way.values().min().copied();
        oldest.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// How long ago the youngest set out that the log has taken. Not when it was taken: where the
    /// log is slow, what is taken now is no younger than what still waits.
    pub(crate) fn taken(&self) -> Option<Duration> {
        let youngest = self.all().youngest_taken;
        youngest.map(|set_out| set_out.elapsed())
    }

    fn all(&self) -> MutexGuard<'_, Frames> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OnItsWay<'_> {
    /// The log has taken it.
    pub(crate) fn taken(self) {
        let mut frames = self.0.all();
        let set_out = frames.on_their_way.get(&self.1).copied();
        frames.youngest_taken = frames.youngest_taken.max(set_out);
    }
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        self.0.all().on_their_way.remove(&self.1);
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

    #[tokio::test(start_paused = true)]
    async fn the_youngest_that_was_taken_counts_and_what_was_refused_does_not() {
        let appends = Appends::default();
        let step = Duration::from_secs(1);
        let first = appends.begun(Key::numbered(1));
        tokio::time::advance(step).await;
        let second = appends.begun(Key::numbered(2));
        tokio::time::advance(step).await;
        let third = appends.begun(Key::numbered(3));
        assert_eq!(appends.taken(), None);
        second.taken();
        first.taken();
        drop(third);
        assert_eq!(appends.taken(), Some(step));
        assert_eq!(appends.oldest(), Duration::ZERO);
    }
}
