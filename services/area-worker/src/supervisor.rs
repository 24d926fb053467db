//! Decides which areas live on this worker: those that are placed here.
//!
//! It follows the bucket `placements`, starts a life for each area that is its own, ends those that
//! are no longer, and keeps of sleeping areas nothing but the name. A knock wakes a sleeper. What it
//! owns it announces every second and whenever that changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use eventlog::{Entry, membership};
use runtime::metric_definitions::{AREAS_OWNED, AREAS_QUARANTINED, HANDOFFS_TOTAL};
use schemas::control::{Heartbeat, Member, Placement};
use schemas::{AreaId, UnixMillis, decode};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::area::{self, Life, LifeError, Vitals};
use crate::shared::Shared;
use crate::sources::{Event, Sources};

/// The rest after a first failure; it doubles up to sixty-four times that.
const FIRST_REST: Duration = Duration::from_millis(250);
/// Until an area that somebody else has taken is tried again, if it is still placed here.
const REST_AFTER_LOSS: Duration = Duration::from_millis(500);
/// For so long after its start a worker gives way to another of its name that began earlier.
const NEWCOMER: Duration = Duration::from_secs(3);
/// On shutdown the director gets so long to place the areas elsewhere, if there is an elsewhere.
const LONGEST_GOODBYE: Duration = Duration::from_millis(1500);

pub(crate) struct Supervisor {
    shared: Arc<Shared>,
    /// The areas that are placed here.
    mine: BTreeSet<AreaId>,
    slots: BTreeMap<AreaId, Slot>,
    lives: JoinSet<(AreaId, Life)>,
    /// Failures in a row.
    failures: BTreeMap<AreaId, u32>,
    /// Given up until the director has marked their placements.
    quarantined: BTreeSet<AreaId>,
    draining: bool,
    started: Instant,
}

/// What this worker has of an area.
enum Slot {
    /// Nothing but the name.
    Asleep,
    /// A task that leads it.
    Living {
        vitals: Arc<Vitals>,
        release: CancellationToken,
    },
    /// It failed and is tried again then.
    Resting(Instant),
}

impl Supervisor {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            mine: BTreeSet::new(),
            slots: BTreeMap::new(),
            lives: JoinSet::new(),
            failures: BTreeMap::new(),
            quarantined: BTreeSet::new(),
            draining: false,
            started: Instant::now(),
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
    pub(crate) async fn on(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Placed(entry) => self.placed(&entry),
            Event::Knock(area) => {
                if matches!(self.slots.get(&area), Some(Slot::Asleep)) && !self.draining {
                    self.begin(area);
                }
            }
            Event::Ended(Ok((area, life))) => {
                self.ended(area, life);
                self.announce().await;
            }
            Event::Ended(Err(panic)) => tracing::error!(%panic, "the task of an area panicked"),
            Event::Heard(beat) => {
                self.check_namesake(&beat)?;
                self.shared.peers.heard(beat.worker);
            }
            Event::Beat => self.wake_the_rested(),
            Event::Announce => self.announce().await,
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
        let (worker, marked) = placement.map_or((None, false), |p| (p.worker, p.quarantined));
        if marked || worker.is_none() {
            self.quarantined.remove(&area);
        }
        if worker.as_ref() == Some(&self.shared.me) && !marked {
            self.mine.insert(area.clone());
            if !(self.slots.contains_key(&area)
                || self.draining
                || self.quarantined.contains(&area))
            {
                self.begin(area);
            }
        } else {
            self.mine.remove(&area);
            self.failures.remove(&area);
            self.let_go(&area);
        }
    }

    fn begin(&mut self, area: AreaId) {
        let vitals = Arc::new(Vitals::default());
        let release = CancellationToken::new();
        let slot = Slot::Living {
            vitals: Arc::clone(&vitals),
            release: release.clone(),
        };
        self.slots.insert(area.clone(), slot);
        let shared = Arc::clone(&self.shared);
        self.lives.spawn(ambient::here(async move {
            let life = area::live(&shared, &area, &vitals, &release).await;
            (area, life)
        }));
    }

    fn let_go(&mut self, area: &AreaId) {
        match self.slots.get(area) {
            Some(Slot::Living { release, .. }) => release.cancel(),
            Some(Slot::Asleep | Slot::Resting(_)) => {
                self.slots.remove(area);
            }
            None => {}
        }
    }

    fn ended(&mut self, area: AreaId, life: Life) {
        self.slots.remove(&area);
        metrics::counter!(HANDOFFS_TOTAL, "reason" => reason(&life)).increment(1);
        let failures = self.failures.remove(&area).unwrap_or(0);
        let stays = self.mine.contains(&area) && !self.draining;
        match life {
            Life::Asleep if stays => {
                tracing::debug!(area.id = %area, "area asleep");
                self.slots.insert(area, Slot::Asleep);
            }
            Life::Woken | Life::Released if stays => self.begin(area),
            Life::Asleep | Life::Woken | Life::Released => {
                tracing::info!(area.id = %area, "area let go");
            }
            Life::Lost => {
                tracing::warn!(area.id = %area, "somebody else has taken this area; it is dropped");
                self.rest(area, REST_AFTER_LOSS);
            }
            Life::Quarantined => {
                tracing::error!(area.id = %area, "the rules of this area keep breaking; it is put into quarantine");
                self.quarantined.insert(area);
            }
            Life::Failed(error) => {
                if failures == 0 || !matches!(error, LifeError::Opening(_)) {
                    tracing::error!(area.id = %area, error = %Chain(&error), failures, "an area does not run; trying again");
                }
                self.failures.insert(area.clone(), failures + 1);
                self.rest(area, FIRST_REST * (1 << failures.min(6)));
            }
        }
    }

    fn rest(&mut self, area: AreaId, rest: Duration) {
        if self.mine.contains(&area) && !self.draining {
            self.slots
                .insert(area, Slot::Resting(Instant::now() + rest));
        }
    }

    fn wake_the_rested(&mut self) {
        let now = Instant::now();
        let rested = |(area, slot): (&AreaId, &Slot)| match slot {
            Slot::Resting(until) if *until <= now => Some(area.clone()),
            _ => None,
        };
        let rested: Vec<AreaId> = self.slots.iter().filter_map(rested).collect();
        for area in rested {
            self.begin(area);
        }
    }

    async fn announce(&mut self) {
        let (mut asleep, mut awake) = (0_u32, 0_u32);
        let mut areas = Vec::with_capacity(self.slots.len());
        for (area, slot) in &self.slots {
            match slot {
                Slot::Asleep => {
                    asleep += 1;
                    areas.push((area.clone(), 0));
                }
                Slot::Living { vitals, .. } if vitals.owned.load(Ordering::Relaxed) => {
                    awake += 1;
                    areas.push((area.clone(), vitals.load.load(Ordering::Relaxed)));
                }
                Slot::Living { .. } | Slot::Resting(_) => {}
            }
        }
        metrics::gauge!(AREAS_OWNED, "state" => "asleep").set(f64::from(asleep));
        metrics::gauge!(AREAS_OWNED, "state" => "awake").set(f64::from(awake));
        let quarantined = u32::try_from(self.quarantined.len()).unwrap_or(u32::MAX);
        metrics::gauge!(AREAS_QUARANTINED).set(f64::from(quarantined));
        let member = Member {
            worker: self.shared.me.clone(),
            life: self.shared.life,
            capacity: self.shared.config.capacity,
            draining: self.draining,
            areas,
            quarantined: self.quarantined.iter().cloned().collect(),
            at: UnixMillis::now(),
            ..Member::default()
        };
        if let Err(error) = membership::announce(&self.shared.log, &member).await {
            tracing::warn!(%error, "this worker could not announce itself; it will again in a second");
        }
    }

    /// Lets every area go: first those that the director places elsewhere, then the rest.
    pub(crate) async fn drain(&mut self, sources: &mut Sources) {
        self.draining = true;
        self.announce().await;
        let patience = if self.shared.peers.anybody_else(&self.shared.me) {
            LONGEST_GOODBYE
        } else {
            Duration::ZERO
        };
        let deadline = tokio::time::sleep(patience);
        tokio::pin!(deadline);
        let mut pushed = false;
        while !self.lives.is_empty() {
            tokio::select! {
                () = &mut deadline, if !pushed => {
                    pushed = true;
                    for area in self.slots.keys().cloned().collect::<Vec<_>>() {
                        self.let_go(&area);
                    }
                }
                event = self.next(sources) => {
                    let done = match event {
                        Ok(event) => self.on(event).await,
                        Err(error) => Err(error),
                    };
                    if let Err(error) = done {
                        tracing::warn!(%error, "something failed while draining");
                    }
                }
            }
        }
        if let Err(error) = membership::leave(&self.shared.log, &self.shared.me).await {
            tracing::debug!(%error, "this worker's entry was not removed; it will run out");
        }
    }
}

const fn reason(life: &Life) -> &'static str {
    match life {
        Life::Asleep => "asleep",
        Life::Woken => "woken",
        Life::Released => "released",
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
