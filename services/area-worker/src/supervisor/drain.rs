//! Leaving: SIGTERM and an operator's order to drain lead here.
//!
//! The worker says that it leaves, and goes on leading what it has while the director places it
//! elsewhere, area by area, each by a planned hand-over. It ends when it has nothing more. Where
//! nobody else serves there is nothing to wait for, and after the grace period (`worker.grace`)
//! nobody waits any longer: what is left gets a last frame and is anybody's.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use eventlog::membership;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::Supervisor;
use super::slots::Living;
use crate::shared::Shared;
use crate::sources::Sources;

/// How often a leaving worker looks whether anybody else serves.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long the last frames may take; a broker that does not take them is left alone.
const LAST_FRAMES: Duration = Duration::from_secs(5);

/// What leaving came to.
#[derive(Debug, Default)]
pub(super) struct Farewells {
    /// Handed to whoever was ready.
    handed_over: u32,
    /// Let go with a last frame, to nobody.
    let_go: u32,
    /// Not let go in time; the fence lets the next owner have them.
    given_up: usize,
}

impl Farewells {
    /// An area has been let go.
    pub(super) fn count(&mut self, living: &Living) {
        if living.was_handed_over() {
            self.handed_over += 1;
        } else {
            self.let_go += 1;
        }
    }
}

impl Supervisor {
    /// Lets every area go: those that the director places elsewhere to whoever takes them, then the
    /// rest.
    pub(crate) async fn drain(mut self, sources: &mut Sources) {
        let begun = Instant::now();
        self.draining = true;
        self.farewells = Farewells::default();
        self.drop_what_is_not_owned();
        self.announce();
        tracing::info!(areas = self.lives.len(), "draining");
        let grace = begun + self.shared.config.grace.duration();
        let mut last_frames = None;
        // Beside the events: who is not heard meanwhile would seem to be dead.
        let shared = Arc::clone(&self.shared);
        let mut alone = pin!(until_nobody_else_serves(&shared));
        while !self.lives.is_empty() {
            let deadline = last_frames.unwrap_or(grace);
            tokio::select! {
                biased;
                () = sleep_until(deadline) => {
                    if last_frames.is_some() {
                        self.farewells.given_up = self.lives.len();
                        break;
                    }
                    last_frames = Some(self.let_all_go());
                }
                () = &mut alone, if last_frames.is_none() => {
                    last_frames = Some(self.let_all_go());
                }
                event = self.next(sources) => {
                    let done = event.and_then(|event| self.on(event));
                    if let Err(error) = done {
                        tracing::warn!(%error, "something failed while draining");
                    }
                }
            }
        }
        let Farewells {
            handed_over,
            let_go,
            given_up,
        } = self.farewells;
        tracing::info!(
            handed_over,
            let_go,
            given_up,
            duration_ms = begun.elapsed().as_millis(),
            "drained"
        );
        self.announcing.shutdown().await;
        if let Err(error) = membership::leave(&self.shared.log, &self.shared.me).await {
            tracing::debug!(%error, "this worker's entry was not removed; it will run out");
        }
    }

    fn drop_what_is_not_owned(&self) {
        for living in self.living().filter(|living| !living.is_owned()) {
            living.let_go();
        }
    }

    /// Until when their last frames are waited for.
    fn let_all_go(&self) -> Instant {
        self.living().for_each(|living| living.let_go());
        Instant::now() + LAST_FRAMES
    }
}

/// Looks again and again. An entry that is written anew while all are read may be missed by one look;
/// who is heard and missing is gone when the next look misses them, too.
pub(super) async fn until_nobody_else_serves(shared: &Shared) {
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut missing = false;
    loop {
        look.tick().await;
        if !shared.peers.anybody_else(&shared.me) {
            return;
        }
        let served = somebody_else_serves(shared).await;
        if !served && missing {
            return;
        }
        missing = !served;
    }
}

/// Whether there is another worker that is heard and does not leave as well.
async fn somebody_else_serves(shared: &Shared) -> bool {
    match tokio::time::timeout(LOOK_EVERY, membership::members(&shared.log)).await {
        Ok(Ok(members)) => members.iter().any(|member| {
            let other = member.worker != shared.me && !member.draining;
            other && shared.peers.may_be_alive(&member.worker)
        }),
        // Nobody knows; the grace period ends it.
        Ok(Err(_)) | Err(_) => true,
    }
}
