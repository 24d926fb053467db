//! Compares what should be with what is, and writes the difference.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bytes::Bytes;
use eventlog::membership::Change as MemberChange;
use eventlog::{Bucket, Entry, EventLog, UpdateError};
use runtime::metric_definitions::MEMBERS;
use schemas::control::Placement;
use schemas::{AreaId, Claim, Sequence, decode, encode};

use crate::config::Config;
use crate::fleet::{Change, Fleet, Patience};
use crate::lease::{KEY, Lease};
use crate::opened;
use crate::plan::{Problem, plan};
use crate::sources::Event;

/// For so long after its start a director only listens, so that it knows whom it plans for.
const LISTEN_FIRST: Duration = Duration::from_millis(500);
/// For so long an area that was placed counts as on its way to a worker that does not say it has it.
const ON_ITS_WAY: Duration = Duration::from_secs(10);

pub(crate) struct Reconciler {
    config: Config,
    log: EventLog,
    bucket: Bucket,
    lease: Lease,
    fleet: Fleet,
    open: BTreeSet<AreaId>,
    wanted: BTreeSet<AreaId>,
    written: BTreeMap<AreaId, Written>,
    started: Instant,
}

/// A placement as it stands in the bucket.
struct Written {
    placement: Option<Placement>,
    revision: Sequence,
    since: Instant,
}

impl Reconciler {
    pub(crate) async fn open(config: Config, log: &EventLog) -> anyhow::Result<Self> {
        let now = Instant::now();
        let areas = config
            .areas()
            .map_err(|wrong| anyhow::anyhow!("{wrong:?}"))?;
        let patience = Patience {
            suspect: config.suspect_after.duration(),
            gone: config.gone_after.duration(),
            late: config.late_after.duration(),
        };
        let mut reconciler = Self {
            bucket: log.bucket("placements").await?,
            lease: Lease::new(Claim(ambient::random()).to_string(), now),
            fleet: Fleet::new(patience),
            open: opened::list(log).await?,
            wanted: areas.into_iter().collect(),
            written: BTreeMap::new(),
            started: now,
            log: log.clone(),
            config,
        };
        // Read once whole, so that the first plan knows every placement; then followed by the watch.
        for entry in reconciler.bucket.entries().await? {
            reconciler.written(entry, now);
        }
        Ok(reconciler)
    }

    pub(crate) async fn on(&mut self, event: Event) {
        let now = Instant::now();
        match event {
            Event::Member(MemberChange::Present(member)) => {
                let change = self.fleet.announced(member, now);
                self.tell(change);
            }
            Event::Member(MemberChange::Gone(worker)) => {
                let change = self.fleet.left(&worker);
                self.tell(change);
            }
            Event::Heard(beat) => {
                let change = self.fleet.heard(&beat, now);
                self.tell(change);
            }
            Event::Written(entry) => self.written(entry, now),
            Event::Opened(area) => {
                self.wanted.remove(&area);
                self.open.insert(area);
            }
            Event::Wanted(area) => {
                if !self.open.contains(&area) && opened::may_be_opened(&area, &self.config.maps) {
                    self.wanted.insert(area);
                }
            }
            Event::Beat => {
                let changes = self.fleet.judge(now);
                self.tell(changes);
                if now.saturating_duration_since(self.started) >= LISTEN_FIRST {
                    self.reconcile(now).await;
                }
            }
        }
    }

    /// Gives the lease back.
    pub(crate) async fn resign(&mut self) {
        self.lease.resign(&self.bucket).await;
    }

    fn tell(&self, changes: impl IntoIterator<Item = Change>) {
        for change in changes {
            match change {
                Change::Joined(worker) => tracing::info!(worker, "a worker has joined"),
                Change::Suspected(worker) => tracing::warn!(worker, "a worker is silent"),
                Change::FalseAlarm(worker, exempt) => {
                    tracing::info!(worker, ?exempt, "a silent worker is heard again");
                }
                Change::Gone(worker) => tracing::info!(worker, "a worker is gone"),
            }
            let (all, suspected) = self.fleet.counts();
            #[expect(clippy::cast_precision_loss, reason = "workers are counted in dozens")]
            for (state, count) in [("serving", all - suspected), ("suspected", suspected)] {
                metrics::gauge!(MEMBERS, "state" => state).set(count as f64);
            }
        }
    }

    fn written(&mut self, entry: Entry, now: Instant) {
        if entry.key == KEY {
            self.lease.observe(&entry, now);
            return;
        }
        let Ok(area) = AreaId::new(entry.key) else {
            return;
        };
        let known = self.written.get(&area);
        if known.is_some_and(|known| known.revision >= entry.revision) {
            return;
        }
        // What nobody can read counts as not placed; the plan writes it anew.
        let placement = entry.value.and_then(|bytes| decode(&bytes).ok());
        let written = Written {
            placement,
            revision: entry.revision,
            since: now,
        };
        self.written.insert(area, written);
    }

    async fn reconcile(&mut self, now: Instant) {
        if self.lease.wants_to_write(now) {
            self.lease.write(&self.bucket).await;
        }
        if !self.lease.leads(now) {
            return;
        }
        for area in std::mem::take(&mut self.wanted) {
            match opened::open(&self.log, &area).await {
                Ok(()) => {
                    self.open.insert(area);
                }
                Err(error) => {
                    tracing::warn!(area.id = %area, %error, "an area could not be opened yet");
                    self.wanted.insert(area);
                }
            }
        }
        for change in self.changes(now) {
            self.write(change, now).await;
        }
    }

    /// What should be written: marks of quarantine first, then the plan.
    fn changes(&self, now: Instant) -> Vec<Placement> {
        let previous: BTreeMap<AreaId, Placement> = self
            .written
            .iter()
            .filter_map(|(area, written)| Some((area.clone(), written.placement.clone()?)))
            .collect();
        let broken = self.fleet.quarantined().filter_map(|area| {
            let placement = previous.get(area).filter(|placed| !placed.quarantined)?;
            Some(Placement {
                area: area.clone(),
                worker: None,
                generation: placement.generation + 1,
                quarantined: true,
                successor: None,
            })
        });
        let mut changes: Vec<Placement> = broken.collect();
        if changes.is_empty() {
            let areas: Vec<AreaId> = self.open.iter().cloned().collect();
            changes = plan(Problem {
                members: &self.fleet.candidates(),
                areas: &areas,
                load: &self.fleet.load(),
                previous: &previous,
                moves: self.config.moves.saturating_sub(self.on_their_way(now)),
            });
        }
        changes
    }

    /// How many areas have been placed lately and not been taken yet.
    fn on_their_way(&self, now: Instant) -> usize {
        let on_its_way = |(area, written): &(&AreaId, &Written)| {
            let placed = written.placement.as_ref().and_then(|p| p.worker.as_deref());
            let lately = now.saturating_duration_since(written.since) < ON_ITS_WAY;
            lately && placed.is_some_and(|worker| !self.fleet.owns(worker, area))
        };
        self.written.iter().filter(on_its_way).count()
    }

    async fn write(&mut self, placement: Placement, now: Instant) {
        let area = placement.area.clone();
        let expected = self
            .written
            .get(&area)
            .map_or(Sequence(0), |written| written.revision);
        let bytes = Bytes::from(encode(&placement));
        match self.bucket.update(area.as_str(), bytes, expected).await {
            Ok(revision) => {
                let worker = placement.worker.as_deref().unwrap_or("nobody");
                if placement.quarantined {
                    tracing::error!(area.id = %area, "an area is in quarantine: its rules keep breaking; look into its log, then delete its placement");
                } else {
                    tracing::info!(area.id = %area, worker, generation = placement.generation, "area placed");
                }
                let written = Written {
                    placement: Some(placement),
                    revision,
                    since: now,
                };
                self.written.insert(area, written);
            }
            // Another director or an operator was faster; the watch brings what it wrote.
            Err(UpdateError::Conflict { .. }) => {}
            Err(error) => {
                tracing::warn!(area.id = %area, %error, "a placement could not be written")
            }
        }
    }
}
