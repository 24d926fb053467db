//! An area's state, held up to date from the frames of whoever owns it.
//!
//! A replica is what a claim starts from. It is restored once, from a snapshot and the log, and
//! then follows the live frames, so that taking the area costs one append and no reading. A worker
//! keeps one of each area that is being handed over to it, and of those whose successor it is.

use eventlog::{EventLog, Live, Record};
use schemas::subjects::area_events;
use schemas::{AreaId, Incarnation, Sequence};
use tokio::time::Instant;
use world::AreaState;

use super::LifeError;
use super::opening::{self, Opening};
use super::restore::{self, RestoreError, Restored};
use crate::shared::Shared;

/// Frames folded in one go on an async thread.
const FOLD_AT_ONCE: usize = 32;

/// An area as its log has it, and how it goes on.
pub(crate) struct Replica {
    pub(crate) opening: Opening,
    pub(crate) restored: Restored,
    /// Which life of the stream of frames it was restored from.
    pub(crate) events: Incarnation,
    /// When its last frame came, if that was live.
    pub(crate) heard: Option<Instant>,
    frames: Option<Live>,
}

impl Replica {
    /// Restores `area` from a snapshot and its log.
    pub(crate) async fn restore(shared: &Shared, area: &AreaId) -> Result<Self, LifeError> {
        let opening = opening::read(&shared.log, area).await?;
        let events = shared.streams.events(shared).await?;
        let restored = restore::restore(&shared.log, area, &opening.map.name).await?;
        Ok(Self {
            opening,
            restored,
            events,
            heard: None,
            frames: None,
        })
    }

    /// The state after the last frame that is folded.
    pub(crate) const fn state(&self) -> &AreaState {
        &self.restored.state
    }

    /// Whether its frames come live.
    pub(crate) const fn is_followed(&self) -> bool {
        self.frames.is_some()
    }

    /// Begins to follow the live frames, and folds all that the leader has by now.
    pub(crate) async fn follow(&mut self, log: &EventLog) -> Result<(), RestoreError> {
        if self.frames.is_some() {
            return Ok(());
        }
        let subject = area_events(self.state().area());
        self.frames = Some(log.live(&subject, self.restored.sequence).await?);
        // The subscription stands before the head is asked for: nothing falls between the two.
        let head = log.last(&subject).await?;
        let head = head.map_or(Sequence(0), |last| last.sequence);
        while self.restored.sequence < head {
            self.next().await?;
        }
        Ok(())
    }

    /// Waits for the next frame and folds it, with those that have come along. Cancel safe. Never
    /// ends before [`Self::follow`] has begun.
    pub(crate) async fn next(&mut self) -> Result<(), RestoreError> {
        let Some(frames) = &mut self.frames else {
            return std::future::pending().await;
        };
        let first = frames.next().await?;
        // From here on nothing waits: what has been taken from the queue is folded.
        let more: Vec<Record> = std::iter::from_fn(|| frames.try_next())
            .take(FOLD_AT_ONCE)
            .collect();
        for record in std::iter::once(first).chain(more) {
            // Those that were read to catch up come again.
            if record.sequence > self.restored.sequence {
                self.restored.fold_next(record)?;
                self.heard = Some(Instant::now());
            }
        }
        Ok(())
    }

    /// Folds what the log holds beyond this state, as its leader tells it.
    pub(crate) async fn catch_up(&mut self, log: &EventLog) -> Result<(), RestoreError> {
        self.restored.catch_up(log).await?;
        self.heard = Some(Instant::now());
        Ok(())
    }
}
