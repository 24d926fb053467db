//! Compares what should be with what is, and does what makes the difference.
//!
//! It acts as soon as something has happened that matters, and at its own beat besides. Nothing it
//! does is waited for: writes and commands are [deeds](deeds) under way, and what they will have
//! changed counts as changed until they say otherwise. Each is conditioned on what was known, so a
//! director that was held up, or one of two that believe they lead, spoils nothing.

mod deeds;
mod telling;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use eventlog::membership::Change as MemberChange;
use eventlog::{Bucket, Entry, EventLog};
use schemas::control::Placement;
use schemas::{AreaId, Claim, Sequence, decode};
use tokio::time::Instant;

use crate::book::{self, Book};
use crate::config::Config;
use crate::instances::Step;
use crate::lease::{KEY, Lease};
use crate::plan::{Change, Waiting};
use crate::scale::Scaler;
use crate::situation::{Knock, Situation};
use crate::sources::{Event, ReadUpTo};
use deeds::{Deed, Deeds};

/// For so long after its start a director only listens, so that it knows whom it plans for.
const LISTEN_FIRST: Duration = Duration::from_millis(500);
/// How often it compares, even if nothing has happened.
const BEAT: Duration = Duration::from_millis(100);
/// What happens within so short a time is looked at together.
const TOGETHER: Duration = Duration::from_millis(5);
/// For so long an area that was placed counts as on its way to a worker that does not say it has it.
const ON_ITS_WAY: Duration = Duration::from_secs(10);
/// Until what was asked of an area's control is asked again, if nothing has come of it.
const ASK_AGAIN: Duration = Duration::from_secs(3);

pub(crate) struct Reconciler {
    config: Config,
    bucket: Bucket,
    lease: Lease,
    led: bool,
    situation: Situation,
    written: BTreeMap<AreaId, Written>,
    deeds: Deeds,
    scaler: Scaler,
    /// Areas to open, with their maps.
    wanted: BTreeMap<AreaId, String>,
    /// Areas of which something was asked that the log does not show yet.
    asked: BTreeMap<AreaId, Instant>,
    waiting: BTreeMap<AreaId, Waiting>,
    started: Instant,
    due: Instant,
}

/// A placement as it stands in the bucket.
struct Written {
    placement: Option<Placement>,
    revision: Sequence,
    /// Since when it names this worker.
    since: Instant,
}

impl Reconciler {
    pub(crate) async fn open(config: Config, log: &EventLog) -> anyhow::Result<(Self, ReadUpTo)> {
        let now = Instant::now();
        let areas = config.areas();
        let areas = areas.map_err(|wrong| anyhow::anyhow!("{wrong:?}"))?;
        let fronts: BTreeSet<AreaId> = areas.into_iter().collect();
        let (book, control) = Book::read(log).await?;
        let (duties, fleet) = book::duties(log).await?;
        let map = |area: &AreaId| (area.clone(), area.map().to_owned());
        let wanted = fronts.iter().filter(|area| book.get(area).is_none());
        let wanted = wanted.map(map).collect();
        let mut situation = Situation::new(&config, fronts, now);
        situation.book = book;
        for (worker, duty) in duties {
            situation.fleet.duty(worker, duty);
        }
        let mut reconciler = Self {
            bucket: log.bucket("placements").await?,
            lease: Lease::new(Claim(ambient::random()).to_string(), now),
            led: false,
            deeds: Deeds::new(log.clone()),
            scaler: Scaler::new(config.fleet.clone(), log.clone())?,
            situation,
            written: BTreeMap::new(),
            wanted,
            asked: BTreeMap::new(),
            waiting: BTreeMap::new(),
            started: now,
            due: now + LISTEN_FIRST,
            config,
        };
        // Read once whole, so that the first plan knows every placement; then followed by the watch.
        for entry in reconciler.bucket.entries().await? {
            reconciler.written(entry, now);
        }
        for placed in reconciler.situation.placed.values() {
            if let Some(worker) = &placed.worker {
                reconciler.situation.fleet.expected(worker, now);
            }
        }
        Ok((reconciler, ReadUpTo { control, fleet }))
    }

    /// When to call [`Reconciler::reconcile`] next.
    pub(crate) const fn due(&self) -> Instant {
        self.due
    }

    /// A deed that has come to its end. Cancel safe; waits for ever when none is under way.
    pub(crate) async fn done(&mut self) -> Deed {
        self.deeds.next().await
    }

    pub(crate) fn on(&mut self, event: Event) {
        let now = Instant::now();
        match event {
            Event::Member(MemberChange::Present(member)) => {
                let changes = self.situation.fleet.announced(member, now);
                telling::fleet(&self.situation.fleet, changes);
                self.soon(now);
            }
            Event::Member(MemberChange::Gone(worker)) => {
                let change = self.situation.fleet.left(&worker, now);
                telling::fleet(&self.situation.fleet, change);
                self.soon(now);
            }
            Event::Heard(beat) => {
                let changes = self.situation.fleet.heard(&beat, now);
                self.judged(changes, now);
            }
            Event::Written(entry) => {
                self.written(entry, now);
                self.soon(now);
            }
            Event::Control(record) => {
                if let Some(area) = self.situation.book.note(&record) {
                    self.wanted.remove(&area);
                    self.asked.remove(&area);
                    self.situation.begins_anew(&area);
                }
                self.soon(now);
            }
            Event::Duty(record) => {
                if let Some((worker, duty)) = book::duty(&record) {
                    tracing::info!(worker, duty = ?duty.duty, by = duty.order.by, reason = duty.order.reason, "a worker's duty was set");
                    self.situation.fleet.duty(worker, duty);
                }
                self.soon(now);
            }
            Event::Wanted(area) => self.knocked(area, now),
            Event::Beat => {
                let changes = self.situation.fleet.judge(now);
                self.judged(changes, now);
            }
        }
    }

    /// Something has happened that may change the plan.
    fn soon(&mut self, now: Instant) {
        self.due = self
            .due
            .min((now + TOGETHER).max(self.started + LISTEN_FIRST));
    }

    fn judged(&mut self, changes: Vec<crate::fleet::Change>, now: Instant) {
        if !changes.is_empty() {
            telling::fleet(&self.situation.fleet, changes);
            self.soon(now);
        }
    }

    fn knocked(&mut self, area: AreaId, now: Instant) {
        let was_placed = self.is_placed(&area);
        match self.situation.knocked(&area, now) {
            Knock::Open if was_placed => {}
            Knock::Open => self.soon(now),
            Knock::Wanted(map) => {
                self.wanted.insert(area, map);
                self.soon(now);
            }
            Knock::TooMany => {
                tracing::debug!(area.id = %area, "somebody knocks at an area that cannot be, and too many of those are open");
            }
        }
    }

    fn is_placed(&self, area: &AreaId) -> bool {
        let placed = self.situation.placed.get(area);
        placed.is_some_and(|placed| placed.worker.is_some())
    }

    /// Gives the lease back, and lets go of the workers it has started.
    pub(crate) async fn resign(mut self) {
        self.lease.resign(&self.bucket).await;
        self.scaler.close().await;
    }

    fn written(&mut self, entry: Entry, now: Instant) {
        if entry.key == KEY {
            self.lease.observe(&entry, now);
            return;
        }
        let Ok(area) = AreaId::new(entry.key) else {
            return;
        };
        // What nobody can read counts as not placed; the plan writes it anew.
        let placement = entry.value.and_then(|bytes| decode(&bytes).ok());
        self.stands(area, placement, entry.revision, now);
    }

    /// The bucket says this about `area`.
    fn stands(
        &mut self,
        area: AreaId,
        placement: Option<Placement>,
        revision: Sequence,
        now: Instant,
    ) {
        let known = self.written.get(&area);
        if known.is_some_and(|known| known.revision >= revision) {
            return;
        }
        let worker = |placed: &Option<Placement>| placed.as_ref().and_then(|p| p.worker.clone());
        let same = known.filter(|known| worker(&known.placement) == worker(&placement));
        let since = same.map_or(now, |known| known.since);
        if !self.deeds.is_writing(&area) {
            self.believe(&area, placement.clone());
        }
        let written = Written {
            placement,
            revision,
            since,
        };
        self.written.insert(area, written);
    }

    fn believe(&mut self, area: &AreaId, placement: Option<Placement>) {
        match placement {
            Some(placement) => self.situation.placed.insert(area.clone(), placement),
            None => self.situation.placed.remove(area),
        };
    }

    /// A deed has come to its end.
    pub(crate) fn did(&mut self, deed: Deed) {
        let now = Instant::now();
        match deed {
            Deed::Lease(written) => self.lease.written(written),
            Deed::Placed(change, outcome) => {
                let area = change.placement.area.clone();
                if let Some(revision) = telling::placed(&change, outcome) {
                    self.situation.carried_out(&change, now);
                    self.stands(area.clone(), Some(change.placement), revision, now);
                }
                // Whatever the bucket was last known to say.
                let stands = self.written.get(&area).and_then(|w| w.placement.clone());
                self.believe(&area, stands);
            }
            Deed::Opened(area, map, Ok(())) => {
                self.wanted.remove(&area);
                self.situation.book.opened(&area, &map);
            }
            Deed::Opened(area, _, Err(error)) => {
                tracing::warn!(area.id = %area, %error, "an area could not be opened yet");
                self.asked.insert(area, now);
            }
            Deed::Asked(area, Err(error)) => {
                tracing::warn!(area.id = %area, %error, "an area could not be steered yet");
            }
            Deed::Asked(_, Ok(())) | Deed::Panicked => {}
        }
        self.soon(now);
    }

    /// Does what makes the difference between what should be and what is.
    pub(crate) fn reconcile(&mut self) {
        let now = Instant::now();
        self.due = now + BEAT;
        self.situation.pass(now);
        if self.lease.wants_to_write(now) {
            let write = self.lease.write(&self.bucket);
            self.deeds.lease(write);
        }
        let leads = self.lease.leads(now);
        telling::leads(leads);
        if std::mem::replace(&mut self.led, leads) != leads {
            self.waiting.clear();
        }
        if !leads {
            return;
        }
        self.asked
            .retain(|_, at| now.saturating_duration_since(*at) < ASK_AGAIN);
        self.open_areas(now);
        self.lead_instances(now);
        for change in self.situation.quarantines() {
            self.place(change);
        }
        let moves = self.config.moves.saturating_sub(self.on_their_way(now));
        let plan = self.situation.plan(moves, now);
        telling::waiting(&self.waiting, &plan.waiting);
        self.waiting = plan.waiting;
        for change in plan.changes {
            self.place(change);
        }
        telling::areas(&self.situation);
        if self.scaler.is_active() {
            let view = self.situation.view(self.waiting.len());
            self.scaler.consider(&view, now);
        }
    }

    fn open_areas(&mut self, now: Instant) {
        for (area, map) in &self.wanted {
            if !self.asked.contains_key(area) {
                self.asked.insert(area.clone(), now);
                self.deeds.open(area.clone(), map.clone());
            }
        }
    }

    fn lead_instances(&mut self, now: Instant) {
        for step in self.situation.steps(now) {
            let (Step::Open { area, .. } | Step::Steer { area, .. }) = &step;
            if self.asked.contains_key(area) {
                continue;
            }
            telling::step(&step);
            match step {
                Step::Open { area, .. } => {
                    let map = area.map().to_owned();
                    self.asked.insert(area.clone(), now);
                    self.deeds.open(area, map);
                }
                Step::Steer { ref area, .. } => {
                    self.asked.insert(area.clone(), now);
                    self.deeds.steer(step);
                }
            }
        }
    }

    /// How many areas have been placed lately and not been taken yet.
    fn on_their_way(&self, now: Instant) -> usize {
        let on_its_way = |(area, written): &(&AreaId, &Written)| {
            let placed = written.placement.as_ref().and_then(|p| p.worker.as_deref());
            let lately = now.saturating_duration_since(written.since) < ON_ITS_WAY;
            lately && placed.is_some_and(|worker| !self.situation.fleet.owns(worker, area))
        };
        let written = self
            .written
            .iter()
            .filter(|(area, _)| !self.deeds.is_writing(area));
        written.filter(on_its_way).count() + self.deeds.moving()
    }

    /// Writes a placement, unless one of the same area is still under way.
    fn place(&mut self, change: Change) {
        let area = change.placement.area.clone();
        let expected = self.written.get(&area).map_or(Sequence(0), |w| w.revision);
        let placement = change.placement.clone();
        if self.deeds.place(&self.bucket, change, expected) {
            self.believe(&area, Some(placement));
        }
    }
}
