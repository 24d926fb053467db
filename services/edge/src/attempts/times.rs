//! When an address did something: the last few times, as they stand in the bucket.

use std::time::Duration;

use bytes::Bytes;
use schemas::UnixMillis;
use serde::{Deserialize, Serialize};

/// Times, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Times(Vec<UnixMillis>);

impl Times {
    /// From a value of the bucket; `None`: it is none of ours.
    pub(super) fn read(value: &[u8]) -> Option<Self> {
        schemas::decode(value).ok()
    }

    /// As a value of the bucket.
    pub(super) fn write(&self) -> Bytes {
        schemas::encode(self).into()
    }

    /// One more; the last `most` are kept.
    pub(super) fn add(&mut self, at: UnixMillis, most: u32) {
        self.0.push(at);
        self.0.sort_unstable();
        let surplus = self.0.len().saturating_sub(most as usize);
        self.0.drain(..surplus);
    }

    /// How long somebody has to wait who may do it `most` times within `window` and has done it
    /// `on_their_way` times more than is written; `None`: not at all.
    pub(super) fn wait(
        &self,
        on_their_way: u32,
        most: u32,
        window: Duration,
        now: UnixMillis,
    ) -> Option<Duration> {
        let window = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        let recent = self
            .0
            .iter()
            .filter(|at| at.0.saturating_add(window) > now.0);
        let recent: Vec<u64> = recent.map(|at| at.0).collect();
        let taken = recent.len() + on_their_way as usize;
        let surplus = (taken + 1).checked_sub(most as usize).filter(|n| *n > 0)?;
        // When that many of them are old there is room; what is on its way is done in a moment.
        let last = recent.get(surplus - 1).or(recent.last());
        let millis = last.map_or(1000, |at| (at + window).saturating_sub(now.0));
        Some(Duration::from_millis(millis.max(1000)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(600);

    fn times(all: &[u64]) -> Times {
        let mut times = Times::default();
        all.iter()
            .for_each(|at| times.add(UnixMillis(at * 1000), 3));
        times
    }

    fn wait(times: &Times, on_their_way: u32, now: u64) -> Option<u64> {
        let wait = times.wait(on_their_way, 3, WINDOW, UnixMillis(now * 1000));
        wait.map(|wait| wait.as_secs())
    }

    #[test]
    fn so_often_within_so_long_and_what_is_on_its_way_counts() {
        assert_eq!(wait(&times(&[]), 2, 5), None);
        assert_eq!(wait(&times(&[]), 3, 5), Some(1));
        let three = times(&[10, 20, 30]);
        assert_eq!(wait(&three, 0, 40), Some(570), "until the first is old");
        assert_eq!(wait(&three, 0, 610), None);
        assert_eq!(wait(&three, 1, 610), Some(10));
        assert_eq!(wait(&three, 9, 40), Some(590));
    }

    #[test]
    fn the_last_few_are_kept_and_read_back() {
        let many = times(&[50, 10, 20, 30, 40]);
        assert_eq!(many, times(&[30, 40, 50]));
        assert_eq!(Times::read(&many.write()), Some(many));
        assert_eq!(Times::read(b"?"), None);
    }
}
