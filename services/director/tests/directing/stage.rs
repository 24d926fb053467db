//! The test plays the workers: it announces them, beats their hearts, and reads what the director
//! writes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use director::Config;
use director::survey::Survey;
use eventlog::{Bucket, EventLog, membership};
use runtime::{Ctx, Health, Shutdown};
use schemas::control::{AreaControl, ControlEvent, Heartbeat, Member, Placement};
use schemas::keyed::KeyedEntry;
use schemas::subjects::{Domain, keyed_events};
use schemas::{AreaId, UnixMillis, decode};
use tokio::task::JoinHandle;

/// For so long anything is waited for; enough on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Stage {
    pub(crate) log: EventLog,
    pub(crate) placements: Bucket,
    pub(crate) directors: Vec<(Shutdown, JoinHandle<anyhow::Result<()>>)>,
    /// Bodies in areas, as their owners say.
    pub(crate) bodies: Arc<Mutex<BTreeMap<AreaId, u32>>>,
    pub(crate) config: Config,
}

/// A worker whose heart beats until it is dropped, and that owns at once what it is given.
pub(crate) struct Worker {
    task: JoinHandle<()>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::on(EventLog::in_memory().0).await
    }

    pub(crate) async fn on(log: EventLog) -> Self {
        Self {
            placements: log.bucket("placements").await.unwrap(),
            log,
            directors: Vec::new(),
            bodies: Arc::default(),
            config: Config::default(),
        }
    }

    /// Starts a director; its health tells when it listens.
    pub(crate) fn direct(&mut self) -> Health {
        let shutdown = Shutdown::new();
        let ctx = Ctx::new(shutdown.clone());
        let health = ctx.health.clone();
        let task = tokio::spawn(director::run(self.config.clone(), self.log.clone(), ctx));
        self.directors.push((shutdown, task));
        health
    }

    /// Waits until this director listens.
    pub(crate) async fn until_ready(&self, health: &Health) {
        eventually("a director that listens", async {
            while !health.readiness().ready {
                pause().await;
            }
        })
        .await;
    }

    /// Waits until whoever leads has renewed its lease, which it does once a second; then it plans.
    pub(crate) async fn until_renewed(&self) {
        let revision = async || {
            let entries = self.placements.entries().await.unwrap().into_iter();
            let mut lease = entries.filter(|entry| entry.key == director::lease::KEY);
            lease.next().map(|entry| entry.revision)
        };
        let before = revision().await;
        eventually("a lease that is renewed", async {
            while revision().await == before {
                pause().await;
            }
        })
        .await;
    }

    /// Waits until nothing is left to be changed, and these are the placements.
    pub(crate) async fn settled(
        &self,
        fits: impl Fn(&BTreeMap<AreaId, Placement>) -> bool,
    ) -> BTreeMap<AreaId, Placement> {
        eventually("a plan that is carried out", async {
            loop {
                let survey = Survey::take(&self.log, &self.config).await;
                if let Ok(survey) = survey
                    && survey.plan().changes.is_empty()
                    && fits(&survey.situation.placed)
                {
                    return survey.situation.placed;
                }
            }
        })
        .await
    }

    pub(crate) fn work(&self, name: &'static str, quarantined: &'static [&'static str]) -> Worker {
        let (log, placements) = (self.log.clone(), self.placements.clone());
        let bodies = self.bodies.clone();
        let task = tokio::spawn(async move {
            for n in 0_u64.. {
                let beat = Heartbeat {
                    worker: name.into(),
                    life: 1,
                    ..Heartbeat::default()
                };
                // While the broker is away, so are heartbeats.
                drop(membership::heartbeat(&log, &beat).await);
                if n % 3 == 0 {
                    let member = member(name, &placements, &bodies, quarantined).await;
                    drop(membership::announce(&log, &member).await);
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        Worker { task }
    }

    /// Waits until the placements look like that: how many areas each worker has.
    pub(crate) async fn until_placed(
        &self,
        wanted: &[(&str, usize)],
    ) -> BTreeMap<AreaId, Placement> {
        let wanted: BTreeMap<&str, usize> = wanted.iter().copied().collect();
        let placed = self.until(|placed| {
            let mut counts = BTreeMap::new();
            for worker in placed.values().filter_map(|p| p.worker.as_deref()) {
                *counts.entry(worker).or_insert(0) += 1;
            }
            counts == wanted
        });
        placed.await
    }

    pub(crate) async fn until(
        &self,
        fits: impl Fn(&BTreeMap<AreaId, Placement>) -> bool,
    ) -> BTreeMap<AreaId, Placement> {
        let waiting = async {
            loop {
                let placed = read(&self.placements).await;
                if fits(&placed) {
                    return placed;
                }
                pause().await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        match waited {
            Ok(placed) => placed,
            Err(_) => panic!(
                "not placed as wanted, but: {:?}",
                read(&self.placements).await
            ),
        }
    }

    pub(crate) async fn control(&self, area: &AreaId) -> AreaControl {
        let subject = keyed_events(Domain::Control, area.as_str());
        let last = self.log.last(&subject).await.unwrap().expect("it is open");
        let entry: KeyedEntry<ControlEvent, AreaControl> = decode(&last.payload).unwrap();
        entry.state
    }

    pub(crate) async fn stop(&mut self) {
        for (shutdown, task) in self.directors.drain(..) {
            shutdown.begin();
            task.await.unwrap().expect("a clean end");
        }
    }
}

/// Between two looks.
async fn pause() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

async fn eventually<T>(what: &str, waiting: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.unwrap_or_else(|_| panic!("there was never {what}"))
}

pub(crate) async fn read(placements: &Bucket) -> BTreeMap<AreaId, Placement> {
    let entries = placements.entries().await.unwrap().into_iter();
    let placed = entries.filter_map(|entry| {
        let area = AreaId::new(entry.key).ok()?;
        Some((area, decode(&entry.value?).unwrap()))
    });
    placed.collect()
}

/// What a worker says that owns at once what it is given.
async fn member(
    name: &str,
    placements: &Bucket,
    bodies: &Mutex<BTreeMap<AreaId, u32>>,
    quarantined: &[&str],
) -> Member {
    let placed = read(placements).await.into_iter();
    let mine = placed.filter(|(_, placed)| placed.worker.as_deref() == Some(name));
    let mine: Vec<AreaId> = mine.map(|(area, _)| area).collect();
    let bodies = bodies.lock().unwrap().clone();
    let awake = mine
        .iter()
        .filter_map(|area| Some((area.clone(), *bodies.get(area)?)));
    Member {
        worker: name.into(),
        life: 1,
        capacity: 1000,
        population: awake.collect(),
        areas: mine.into_iter().map(|area| (area, 0)).collect(),
        quarantined: quarantined
            .iter()
            .map(|area| AreaId::new(*area).unwrap())
            .collect(),
        at: UnixMillis::now(),
        ..Member::default()
    }
}
