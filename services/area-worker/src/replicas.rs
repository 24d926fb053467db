//! Room for replicas: bounded, so that being everybody's successor costs no worker its own areas.

use std::sync::atomic::{AtomicUsize, Ordering};

use runtime::metric_definitions::AREA_REPLICAS;
use tokio::sync::Semaphore;

/// Replicas that are restored at the same time; what is to be owned does not wait for them.
const RESTORES_AT_ONCE: usize = 2;

/// The replicas of a worker.
#[derive(Debug)]
pub(crate) struct Replicas {
    most: usize,
    kept: AtomicUsize,
    /// Turns at restoring them.
    pub(crate) restores: Semaphore,
}

impl Replicas {
    pub(crate) fn new(most: u32) -> Self {
        Self {
            most: most as usize,
            kept: AtomicUsize::new(0),
            restores: Semaphore::new(RESTORES_AT_ONCE),
        }
    }

    /// A place for one more; `None` when there is none.
    pub(crate) fn place(&self) -> Option<Place<'_>> {
        let one_more = |kept: usize| (kept < self.most).then_some(kept + 1);
        self.kept
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .ok()?;
        self.tell();
        Some(Place(self))
    }

    /// How many there are.
    pub(crate) fn kept(&self) -> usize {
        self.kept.load(Ordering::Relaxed)
    }

    fn tell(&self) {
        let kept = u32::try_from(self.kept()).unwrap_or(u32::MAX);
        metrics::gauge!(AREA_REPLICAS).set(f64::from(kept));
    }
}

/// Held as long as a replica is kept.
#[derive(Debug)]
pub(crate) struct Place<'a>(&'a Replicas);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.kept.fetch_sub(1, Ordering::Relaxed);
        self.0.tell();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_so_many_and_a_place_is_given_back() {
        let replicas = Replicas::new(2);
        let (first, second) = (replicas.place(), replicas.place());
        assert!(first.is_some() && second.is_some() && replicas.place().is_none());
        drop(first);
        assert_eq!(replicas.kept(), 1);
        assert!(replicas.place().is_some());
    }
}
