//! A whole director over the twin in memory. The test plays the workers: it announces them, beats
//! their hearts, and reads what the director writes.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use director::Config;
use eventlog::{Bucket, EventLog, membership};
use runtime::{Ctx, Shutdown};
use schemas::control::{AreaControl, ControlEvent, Heartbeat, Member, Placement};
use schemas::keyed::KeyedEntry;
use schemas::subjects::{Domain, keyed_events};
use schemas::{AreaId, UnixMillis, decode, encode};
use tokio::task::JoinHandle;

struct Stage {
    log: EventLog,
    placements: Bucket,
    directors: Vec<(Shutdown, JoinHandle<anyhow::Result<()>>)>,
}

/// A worker whose heart beats until it is dropped, and that owns at once what it is given.
struct Worker {
    task: JoinHandle<()>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stage {
    async fn new() -> Self {
        let (log, _) = EventLog::in_memory();
        Self {
            placements: log.bucket("placements").await.unwrap(),
            log,
            directors: Vec::new(),
        }
    }

    fn direct(&mut self) {
        let shutdown = Shutdown::new();
        let ctx = Ctx::new(shutdown.clone());
        let task = tokio::spawn(director::run(Config::default(), self.log.clone(), ctx));
        self.directors.push((shutdown, task));
    }

    fn work(&self, name: &'static str, quarantined: &'static [&'static str]) -> Worker {
        let (log, placements) = (self.log.clone(), self.placements.clone());
        let task = tokio::spawn(async move {
            for n in 0_u64.. {
                let beat = Heartbeat {
                    worker: name.into(),
                    life: 1,
                    late_ms: 0,
                };
                membership::heartbeat(&log, &beat).await.unwrap();
                if n % 5 == 0 {
                    let placed = read(&placements).await;
                    let mine = placed
                        .into_iter()
                        .filter(|(_, p)| p.worker.as_deref() == Some(name));
                    let member = Member {
                        worker: name.into(),
                        life: 1,
                        capacity: 100,
                        draining: false,
                        areas: mine.map(|(area, _)| (area, 0)).collect(),
                        quarantined: quarantined
                            .iter()
                            .map(|a| AreaId::new(*a).unwrap())
                            .collect(),
                        at: UnixMillis::now(),
                        ..Member::default()
                    };
                    membership::announce(&log, &member).await.unwrap();
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        Worker { task }
    }

    /// Waits until the placements look like that: how many areas each worker has.
    async fn until_placed(&self, wanted: &[(&str, usize)]) -> BTreeMap<AreaId, Placement> {
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

    async fn until(
        &self,
        fits: impl Fn(&BTreeMap<AreaId, Placement>) -> bool,
    ) -> BTreeMap<AreaId, Placement> {
        let waiting = async {
            loop {
                let placed = read(&self.placements).await;
                if fits(&placed) {
                    return placed;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
        match waited {
            Ok(placed) => placed,
            Err(_) => panic!(
                "not placed as wanted, but: {:?}",
                read(&self.placements).await
            ),
        }
    }

    async fn control(&self, area: &AreaId) -> AreaControl {
        let subject = keyed_events(Domain::Control, area.as_str());
        let last = self.log.last(&subject).await.unwrap().expect("it is open");
        let entry: KeyedEntry<ControlEvent, AreaControl> = decode(&last.payload).unwrap();
        entry.state
    }

    async fn stop(&mut self) {
        for (shutdown, task) in self.directors.drain(..) {
            shutdown.begin();
            task.await.unwrap().expect("a clean end");
        }
    }
}

async fn read(placements: &Bucket) -> BTreeMap<AreaId, Placement> {
    let entries = placements.entries().await.unwrap().into_iter();
    let placed = entries.filter_map(|entry| {
        let area = AreaId::new(entry.key).ok()?;
        Some((area, decode(&entry.value?).unwrap()))
    });
    placed.collect()
}

#[tokio::test]
async fn areas_are_opened_placed_and_evened_out() {
    let mut stage = Stage::new().await;
    let _ann = stage.work("ann", &[]);
    stage.direct();
    let placed = stage.until_placed(&[("ann", 3)]).await;
    for area in placed.keys() {
        let opened = stage
            .log
            .last(&keyed_events(Domain::Control, area.as_str()))
            .await;
        assert!(opened.unwrap().is_some(), "{area} is placed and not open");
    }
    let _ben = stage.work("ben", &[]);
    let evened = stage.until_placed(&[("ann", 2), ("ben", 1)]).await;
    let moved = evened
        .iter()
        .filter(|(area, p)| placed[*area].worker != p.worker);
    assert_eq!(moved.count(), 1, "few moves");
    stage.stop().await;
}

#[tokio::test]
async fn a_silent_workers_areas_go_to_another() {
    let mut stage = Stage::new().await;
    let _ann = stage.work("ann", &[]);
    let ben = stage.work("ben", &[]);
    stage.direct();
    stage
        .until(|placed| placed.values().any(|p| p.worker.as_deref() == Some("ben")))
        .await;
    drop(ben);
    let begun = std::time::Instant::now();
    stage.until_placed(&[("ann", 3)]).await;
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    stage.stop().await;
}

#[tokio::test]
async fn a_knock_opens_another_instance_of_a_known_map_and_anything_else_on_the_void() {
    let mut stage = Stage::new().await;
    let _ann = stage.work("ann", &[]);
    stage.direct();
    stage.until_placed(&[("ann", 3)]).await;
    for wanted in ["wake.area.swamp-1", "wake.area.harbor-2"] {
        stage.log.publish_core(wanted, Bytes::new()).await.unwrap();
    }
    let placed = stage.until_placed(&[("ann", 5)]).await;
    for (area, map) in [("harbor-2", "harbor"), ("swamp-1", "void")] {
        let area = AreaId::new(area).unwrap();
        assert!(placed.contains_key(&area));
        let control = stage.control(&area).await;
        assert_eq!(control.map.as_deref(), Some(map));
        assert_eq!(control.closed, map == "void");
    }
    stage.stop().await;
}

#[tokio::test]
async fn a_broken_area_is_marked_and_given_to_nobody() {
    let mut stage = Stage::new().await;
    let _ann = stage.work("ann", &["harbor-1"]);
    stage.direct();
    let harbor = AreaId::new("harbor-1").unwrap();
    stage
        .until(|placed| placed.get(&harbor).is_some_and(|p| p.quarantined))
        .await;
    let placed = stage.until_placed(&[("ann", 2)]).await;
    assert_eq!(placed[&harbor].worker, None);
    stage.stop().await;
}

#[tokio::test]
async fn another_director_takes_over_where_one_has_left() {
    let mut stage = Stage::new().await;
    let _ann = stage.work("ann", &[]);
    stage.direct();
    stage.direct();
    stage.until_placed(&[("ann", 3)]).await;
    // Whichever leads: when the first has gone, the second does its work.
    let (shutdown, task) = stage.directors.remove(0);
    shutdown.begin();
    task.await.unwrap().unwrap();
    let ben = encode(&Placement {
        area: AreaId::new("harbor-1").unwrap(),
        worker: Some("nobody-of-that-name".into()),
        generation: 9,
        quarantined: false,
        successor: None,
    });
    stage.placements.put("harbor-1", ben.into()).await.unwrap();
    stage.until_placed(&[("ann", 3)]).await;
    stage.stop().await;
}
