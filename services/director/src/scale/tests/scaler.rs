//! The scaler over a backend that answers as it is told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use eventlog::EventLog;
use schemas::control::{Duty, FleetCommand};
use schemas::decode;
use schemas::keyed::KeyedMessage;
use tokio::time::Instant;

use crate::plan::Standing;
use crate::scale::backend::Answer;
use crate::scale::policy::member_name;
use crate::scale::{Backend, BackendError, Config, Scaler, Size, View, Worker};

#[derive(Default)]
struct Scripted {
    wanted: Mutex<u32>,
    /// Errors to answer with, before anything is done.
    errors: Mutex<VecDeque<BackendError>>,
    asked: Mutex<Vec<String>>,
}

impl Scripted {
    fn answer(&self, asked: String, wanted: Option<u32>) -> Result<Size, BackendError> {
        self.asked.lock().unwrap().push(asked);
        if let Some(error) = self.errors.lock().unwrap().pop_front() {
            return Err(error);
        }
        let mut now = self.wanted.lock().unwrap();
        *now = wanted.unwrap_or(*now);
        Ok(Size {
            wanted: *now,
            actual: *now,
            version: "1".into(),
        })
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Backend for Scripted {
    fn size(&self) -> Answer<'_> {
        Box::pin(async { self.answer("size".into(), None) })
    }

    fn scale_to(&self, wanted: u32, _: &Size) -> Answer<'_> {
        Box::pin(async move { self.answer(format!("to {wanted}"), Some(wanted)) })
    }
}

fn view(workers: u32, load: u32) -> View {
    let worker = |number| Worker {
        name: member_name("worldline-worker", number),
        life: 1,
        standing: Standing::Serving,
        capacity: 100,
        areas: 1,
        load,
        population: 0,
    };
    View {
        workers: (0..workers).map(worker).collect(),
        homeless: 0,
    }
}

struct Stage {
    scaler: Scaler,
    backend: Arc<Scripted>,
    log: EventLog,
}

impl Stage {
    fn new(wanted: u32) -> Self {
        let backend = Arc::new(Scripted::default());
        *backend.wanted.lock().unwrap() = wanted;
        let (log, _) = EventLog::in_memory();
        let config = Config {
            spare: 0,
            ..Config::default()
        };
        Self {
            scaler: Scaler::with(Some(backend.clone()), config, log.clone()),
            backend,
            log,
        }
    }

    /// Asks at every beat for so long; the clock is the test's.
    async fn pass(&mut self, view: &View, seconds: u64) {
        for _ in 0..seconds * 10 {
            tokio::time::advance(Duration::from_millis(100)).await;
            self.scaler.consider(view, Instant::now());
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_looks_decides_and_scales_and_survives_a_conflict() {
    let mut stage = Stage::new(1);
    stage.pass(&view(1, 100), 11).await;
    assert!(stage.backend.asked().iter().all(|asked| asked == "size"));
    *stage.backend.errors.lock().unwrap() = [BackendError::Changed].into();
    // Whichever it meets, a look or the change itself, the change is made in the end.
    stage.pass(&view(1, 1500), 20).await;
    assert_eq!(*stage.backend.wanted.lock().unwrap(), 3);
    let changes = stage
        .backend
        .asked()
        .iter()
        .filter(|a| *a == "to 3")
        .count();
    assert!((1..=2).contains(&changes), "{:?}", stage.backend.asked());
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_refuses_is_asked_less_and_less_often() {
    let mut stage = Stage::new(1);
    let denied = || BackendError::Denied("no".into());
    *stage.backend.errors.lock().unwrap() = (0..1000).map(|_| denied()).collect();
    stage.pass(&view(1, 1500), 120).await;
    let asked = stage.backend.asked().len();
    assert!((5..=9).contains(&asked), "{asked}");
    stage.backend.errors.lock().unwrap().clear();
    stage.pass(&view(1, 1500), 70).await;
    assert_eq!(
        *stage.backend.wanted.lock().unwrap(),
        3,
        "it goes on when it may"
    );
}

#[tokio::test(start_paused = true)]
async fn the_order_to_drain_is_a_command_in_the_log() {
    let mut stage = Stage::new(2);
    let subject =
        schemas::subjects::keyed_command(schemas::subjects::Domain::Fleet, "worldline-worker-1");
    let before = stage.log.last(&subject).await.unwrap();
    assert!(before.is_none());
    stage.pass(&view(2, 10), 320).await;
    let sent = stage
        .log
        .last(&subject)
        .await
        .unwrap()
        .expect("it was sent");
    let message: KeyedMessage<FleetCommand> = decode(&sent.payload).unwrap();
    let KeyedMessage::Command { body, .. } = message else {
        panic!("{message:?}");
    };
    let FleetCommand::SetDuty {
        worker,
        life,
        duty,
        order,
    } = body;
    assert_eq!(
        (worker.as_str(), life, duty),
        ("worldline-worker-1", 1, Duty::Drain)
    );
    assert_eq!(order.by, "director");
    assert!(
        order.reason.contains("1 carry the load"),
        "{}",
        order.reason
    );
    assert_eq!(
        *stage.backend.wanted.lock().unwrap(),
        2,
        "not before it is empty"
    );
    let mut empty = view(2, 10);
    empty.workers[1].standing = Standing::Draining;
    empty.workers[1].areas = 0;
    stage.pass(&empty, 2).await;
    assert_eq!(*stage.backend.wanted.lock().unwrap(), 1);
}

#[tokio::test]
async fn without_a_backend_nothing_happens() {
    let (log, _) = EventLog::in_memory();
    let mut scaler = Scaler::new(Config::default(), log).unwrap();
    assert!(!scaler.is_active());
    scaler.consider(&view(1, 5000), Instant::now());
    scaler.close().await;
}
