//! Decides which areas live on this worker: those that are placed here.
//!
//! It follows the bucket `placements`, starts a life for each area that is its own or whose
//! successor it is, ends those that are no longer, and keeps of sleeping areas nothing but the name.
//! A knock wakes a sleeper. An area that is placed elsewhere is let go when whoever is to own it
//! says that it is ready. What the worker has it announces every second and whenever that changes.

mod census;
mod drain;
mod slots;

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use eventlog::Entry;
use runtime::metric_definitions::HANDOFFS_TOTAL;
use schemas::control::{Heartbeat, Member, Placement};
use schemas::{AreaId, WorkerId, decode};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::drain::Farewells;
use self::slots::{Living, Slot, Wanted};
use crate::announcer;
use crate::area::{self, Life, LifeError};
use crate::shared::Shared;
use crate::sources::{Event, Sources};

/// The rest after a first failure; it doubles up to sixty-four times that.
const FIRST_REST: Duration = Duration::from_millis(250);
/// Until an area that somebody else has taken is tried again, if it is still placed here.
const REST_AFTER_LOSS: Duration = Duration::from_millis(500);
/// For so long after its start a worker gives way to another of its name that began earlier.
const NEWCOMER: Duration = Duration::from_secs(3);
/// Until an area is tried again whose log or build somebody has to mend first.
const REST_WHEN_STOPPED: Duration = Duration::from_secs(30);
/// Until a replica is tried again for which there was no room.
const REST_WITHOUT_ROOM: Duration = Duration::from_secs(10);

pub(crate) struct Supervisor {
    shared: Arc<Shared>,
    /// The areas that are placed here, and those whose successor this worker is.
    wanted: BTreeMap<AreaId, Wanted>,
    slots: BTreeMap<AreaId, Slot>,
    lives: JoinSet<(AreaId, Life)>,
    /// Failures in a row.
    failures: BTreeMap<AreaId, u32>,
    /// Given up until the director has marked their placements.
    quarantined: BTreeSet<AreaId>,
    draining: bool,
    farewells: Farewells,
    started: Instant,
    entry: watch::Sender<Option<Member>>,
    /// Ends with this.
    announcing: JoinSet<()>,
}

impl Supervisor {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let (entry, entries) = watch::channel(None);
        let mut announcing = JoinSet::new();
        announcing.spawn(ambient::here(announcer::announce(
            Arc::clone(&shared),
            entries,
        )));
        Self {
            shared,
            wanted: BTreeMap::new(),
            slots: BTreeMap::new(),
            lives: JoinSet::new(),
            failures: BTreeMap::new(),
            quarantined: BTreeSet::new(),
            draining: false,
            farewells: Farewells::default(),
            started: Instant::now(),
            entry,
            announcing,
        }
    }

    /// Waits for the next thing that concerns it.
    pub(crate) async fn next(&mut self, sources: &mut Sources) -> anyhow::Result<Event> {
        let changed = self.shared.changed.notified();
        tokio::select! {
            biased;
            Some(ended) = self.lives.join_next() => Ok(Event::Ended(ended)),
            () = changed => Ok(Event::Announce),
            event = sources.next() => event,
        }
    }

    /// # Errors
    /// When another worker of this name is running already.
    pub(crate) fn on(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Placed(entry) => self.placed(&entry),
            Event::Knock(area) => {
                let sleeps = matches!(self.slots.get(&area), Some(Slot::Asleep | Slot::Dozing));
                if sleeps {
                    self.begin(area);
                }
            }
            Event::Ready(area, worker) => {
                if let Some(Slot::Living(living)) = self.slots.get(&area) {
                    living.ready(&worker);
                }
            }
            Event::Ended(Ok((area, life))) => {
                self.ended(area, life);
                self.announce();
            }
            Event::Ended(Err(error)) => tracing::error!(%error, "the task of an area was lost"),
            Event::Heard(beat) => {
                self.check_namesake(&beat)?;
                // Nobody waits for one whose frames hang: it could not let go.
                if !beat.is_stuck() {
                    self.shared.peers.heard(beat.worker);
                }
            }
            Event::Beat => self.look(),
            Event::Announce => self.announce(),
        }
        Ok(())
    }

    /// Two workers of one name would take each other's areas for ever. The newcomer goes.
    fn check_namesake(&self, beat: &Heartbeat) -> anyhow::Result<()> {
        let Shared { me, life, .. } = &*self.shared;
        if beat.worker != *me || beat.life == *life {
            return Ok(());
        }
        let newcomer = *life > beat.life && self.started.elapsed() < NEWCOMER;
        anyhow::ensure!(
            !newcomer,
            "another worker called {me} is running; give each a name of its own (worker.name)"
        );
        tracing::warn!(worker = me, "another worker of this name is running");
        Ok(())
    }

    fn placed(&mut self, entry: &Entry) {
        let Ok(area) = AreaId::new(entry.key.as_str()) else {
            return;
        };
        let placement = entry.value.as_deref().map(decode::<Placement>).transpose();
        let placement = placement.unwrap_or_else(|error| {
            tracing::error!(area.id = %area, error = ?error, "a placement cannot be read; it counts as not placed");
            None
        });
        let marked = placement.as_ref().is_some_and(|p| p.quarantined);
        let placement = placement.filter(|placement| !placement.quarantined);
        let (worker, successor) = placement.map_or((None, None), |p| (p.worker, p.successor));
        if marked || worker.is_none() {
            self.quarantined.remove(&area);
        }
        let me = Some(&self.shared.me);
        let wanted = if worker.as_ref() == me {
            Some(Wanted::Own)
        } else if worker.is_some() && successor.as_ref() == me {
            Some(Wanted::Follow)
        } else {
            None
        };
        let before = match wanted {
            Some(wanted) => self.wanted.insert(area.clone(), wanted),
            None => self.wanted.remove(&area),
        };
        // What failed while it stood by says nothing about owning.
        if wanted != Some(Wanted::Own) || before == Some(Wanted::Follow) {
            self.failures.remove(&area);
        }
        self.adjust(area, wanted, worker);
    }

    /// Brings what this worker has of an area nearer to what is wanted.
    fn adjust(&mut self, area: AreaId, wanted: Option<Wanted>, owner: Option<WorkerId>) {
        match (self.slots.get_mut(&area), wanted) {
            (Some(Slot::Living(living)), Some(Wanted::Own)) if !self.draining => living.take(),
            (Some(Slot::Living(living)), Some(Wanted::Follow)) if living.stands_by() => {}
            (Some(Slot::Living(living)), _) => {
                let elsewhere = owner.filter(|owner| *owner != self.shared.me);
                if elsewhere.is_some() || wanted != Some(Wanted::Own) {
                    living.hand_over(elsewhere, Instant::now());
                }
            }
            (Some(Slot::Asleep), Some(Wanted::Own))
            | (Some(Slot::Dozing | Slot::Resting { .. }), Some(Wanted::Follow)) => {}
            (Some(Slot::Resting { .. }), Some(Wanted::Own))
                if self.failures.contains_key(&area) => {}
            (Some(slot @ Slot::Asleep), Some(Wanted::Follow)) => *slot = Slot::Dozing,
            (Some(_), None) => {
                self.slots.remove(&area);
            }
            (Some(_) | None, Some(_)) => self.begin(area),
            (None, None) => {}
        }
    }

    /// Starts a life for an area, as it is wanted.
    fn begin(&mut self, area: AreaId) {
        let Some(wanted) = self.wanted.get(&area).copied() else {
            self.slots.remove(&area);
            return;
        };
        if self.draining || self.quarantined.contains(&area) {
            return;
        }
        let living = Living::new(wanted);
        let (vitals, orders) = (Arc::clone(&living.vitals), living.orders.clone());
        self.slots.insert(area.clone(), Slot::Living(living));
        let shared = Arc::clone(&self.shared);
        self.lives.spawn(ambient::here(async move {
            let life = unharmed(area::live(&shared, &area, &vitals, &orders)).await;
            (area, life)
        }));
    }

    fn ended(&mut self, area: AreaId, life: Life) {
        let slot = self.slots.remove(&area);
        metrics::counter!(HANDOFFS_TOTAL, "reason" => reason(&life)).increment(1);
        let failures = self.failures.remove(&area).unwrap_or(0);
        let wanted = self.wanted.get(&area).copied();
        let stays = wanted.is_some() && !self.draining;
        match life {
            Life::Asleep if stays => {
                tracing::debug!(area.id = %area, "area asleep");
                let own = wanted == Some(Wanted::Own);
                let slot = if own { Slot::Asleep } else { Slot::Dozing };
                self.slots.insert(area, slot);
            }
            // It may have been placed here in its last moment.
            Life::Dozing if wanted == Some(Wanted::Follow) && stays => {
                self.slots.insert(area, Slot::Dozing);
            }
            Life::NoRoom => self.rest(area, REST_WITHOUT_ROOM, false),
            Life::Woken | Life::Released | Life::Dozing | Life::Dropped if stays => {
                self.begin(area);
            }
            Life::Dozing | Life::Dropped => {}
            Life::Asleep | Life::Woken | Life::Released => {
                if let Some(Slot::Living(living)) = &slot {
                    self.farewells.count(living);
                }
                tracing::info!(area.id = %area, "area let go");
            }
            Life::Lost => {
                tracing::warn!(area.id = %area, "somebody else has taken this area; it is dropped");
                self.rest(area, REST_AFTER_LOSS, false);
            }
            Life::Quarantined => {
                tracing::error!(area.id = %area, "the rules of this area keep breaking; it is put into quarantine");
                self.quarantined.insert(area);
            }
            Life::Failed(error) => self.failed(area, &error, failures),
        }
    }

    fn failed(&mut self, area: AreaId, error: &LifeError, failures: u32) {
        if error.has_lost_frames() {
            tracing::error!(
                area.id = %area, error = %Chain(error),
                "the log of this area is not the one this worker knew; it is put into quarantine: \
                 see docs/runbook/log-is-not-the-one-we-knew.md"
            );
            self.quarantined.insert(area);
            return;
        }
        // For a replica that cannot be folded here nobody need be alarmed: its owner runs.
        let own = self.wanted.get(&area) == Some(&Wanted::Own);
        let stopped = own && error.is_lasting();
        if !own {
            tracing::warn!(area.id = %area, error = %Chain(error), failures, "no replica can be kept; trying again");
        } else if stopped && failures == 0 {
            tracing::error!(area.id = %area, error = %Chain(error), "an area has stopped; it is tried every {} s, and runs again when this is mended", REST_WHEN_STOPPED.as_secs());
        } else if failures == 0 || !(stopped || matches!(error, LifeError::Opening(_))) {
            tracing::error!(area.id = %area, error = %Chain(error), failures, "an area does not run; trying again");
        }
        self.failures.insert(area.clone(), failures + 1);
        let rest = if error.is_lasting() {
            REST_WHEN_STOPPED
        } else {
            FIRST_REST * (1 << failures.min(6))
        };
        self.rest(area, rest, stopped);
    }

    fn rest(&mut self, area: AreaId, rest: Duration, stopped: bool) {
        if self.wanted.contains_key(&area) && !self.draining {
            let until = Instant::now() + rest;
            self.slots.insert(area, Slot::Resting { until, stopped });
        }
    }

    /// Tries those again that have rested, and waits for nobody for ever.
    fn look(&mut self) {
        let now = Instant::now();
        let mut rested = Vec::new();
        for (area, slot) in &self.slots {
            match slot {
                Slot::Resting { until, .. } if *until <= now => rested.push(area.clone()),
                Slot::Living(living) => living.look(&self.shared.peers, now),
                _ => {}
            }
        }
        for area in rested {
            self.begin(area);
        }
    }

    fn announce(&self) {
        self.entry.send_replace(Some(census::count(self)));
    }

    fn living(&self) -> impl Iterator<Item = &Living> {
        self.slots.values().filter_map(|slot| match slot {
            Slot::Living(living) => Some(living),
            _ => None,
        })
    }
}

/// The life, or that it panicked. The panic has been told; the area must not be forgotten over it.
async fn unharmed(life: impl Future<Output = Life>) -> Life {
    let mut life = Box::pin(life);
    poll_fn(|ctx| {
        let polled = catch_unwind(AssertUnwindSafe(|| life.as_mut().poll(ctx)));
        polled.unwrap_or(Poll::Ready(Life::Failed(LifeError::Broken)))
    })
    .await
}

const fn reason(life: &Life) -> &'static str {
    match life {
        Life::Asleep => "asleep",
        Life::Woken => "woken",
        Life::Released => "released",
        Life::Dozing | Life::Dropped | Life::NoRoom => "stood_by",
        Life::Lost => "lost",
        Life::Quarantined => "quarantined",
        Life::Failed(_) => "failed",
    }
}

/// An error with everything behind it, in one line.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
