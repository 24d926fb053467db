//! Processes that die, as `kill -9` would have it, at each step of the way through a door.
//!
//! The worker is this test binary itself, started again as [`as_a_process`] with
//! `WORLDLINE_CRASH_AT`. Wherever it dies, the next one brings the character to the other side, once.

use std::process::{ExitStatus, Stdio};

use area_worker::Config;
use eventlog::EventLog;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use runtime::{Ctx, Shutdown};
use schemas::command::PlayerAsk;
use schemas::fact::Fact;
use tokio::process::{Child, Command};

use crate::effects::{at_the_door, door, is_confirmed_by, is_departed};
use crate::stage::{
    ANN, Stage, Worker, config, harbor, is_arrived, is_owned, is_owned_by, say, start, within,
};

/// Where a worker that is started as a process finds its broker.
const BROKER: &str = "WORLDLINE_TEST_BROKER";

/// Not a test: the other process of the tests below.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_a_process() {
    let Ok(url) = std::env::var(BROKER) else {
        return;
    };
    let (user, rest) = url.split_once(' ').unwrap();
    let (password, url) = rest.split_once(' ').unwrap();
    let options = eventlog::Connect::to(url, "worker").as_user(user, password);
    let log = EventLog::connect(&options).await.unwrap();
    let config: Config = config("ann");
    area_worker::run(config, log, Ctx::new(Shutdown::new()))
        .await
        .unwrap();
}

fn process(stage: &Stage, crash_at: Option<&str>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["crashes::as_a_process", "--exact", "--nocapture"])
        .env(BROKER, stage.worker_access())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    if let Some(crash_at) = crash_at {
        command.env("WORLDLINE_CRASH_AT", crash_at);
    }
    command.spawn().unwrap()
}

async fn dies_at(crash_at: &str) {
    let mut stage = Stage::broker().await;
    let behind = door().to_area.clone();
    stage.give(&harbor(), "ann").await;
    stage.give(&behind, "ann").await;
    let (mut here, mut there) = (stage.watch(&harbor()), stage.watch(&behind));

    // It steps through the door at the first tick after its arrival.
    let mut first = process(&stage, Some(crash_at));
    stage.enter(&harbor(), ANN, 1, at_the_door()).await;
    stage.ask(&harbor(), ANN, [(1, PlayerAsk::UseDoor)]).await;
    let ended: ExitStatus = first.wait().await.unwrap();
    assert_eq!(ended.code(), None, "it died of a signal at {crash_at}");

    let mut second = process(&stage, None);
    there.until_fact(is_arrived).await;
    here.until_fact(is_confirmed_by(&behind)).await;
    assert_eq!(here.facts(is_departed).len(), 1, "{crash_at}");
    let arrivals = there.facts(|fact| matches!(fact, Fact::Arrived { .. }));
    assert_eq!(arrivals.len(), 1, "{crash_at}");
    assert!(here.state.by_character(ANN).is_none());
    assert!(there.state.by_character(ANN).is_some());
    second.kill().await.unwrap();
}

macro_rules! dying {
    ($($name:ident: $at:literal,)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            within(dies_at($at)).await;
        })*
    };
}
dying! {
    before_the_departure_is_written: "before_append@departed",
    when_the_departure_is_written_and_nobody_knows: "after_append_before_ack@departed",
    before_the_departure_is_sent: "after_ack_before_effects@departed",
    after_the_departure_is_sent: "after_effects_before_confirmations@departed",
    before_the_arrival_is_written: "before_append@arrived:2",
    when_the_arrival_is_written_and_nobody_knows: "after_append_before_ack@arrived:2",
    before_the_arrival_is_confirmed: "after_effects_before_confirmations@arrived:2",
    with_the_ownership_frame: "after_ownership:2",
}

/// A worker that is stopped past its lease and woken believes for a moment that it still owns.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_stopped_and_woken_is_refused() {
    within(async {
        let mut stage = Stage::broker().await;
        let mut first = process(&stage, None);
        stage.give(&harbor(), "ann").await;
        stage.enter(&harbor(), ANN, 1, start()).await;
        let mut frames = stage.watch(&harbor());
        frames.until_fact(is_arrived).await;

        let pid = Pid::from_raw(i32::try_from(first.id().unwrap()).unwrap());
        kill(pid, Signal::SIGSTOP).unwrap();
        let ben = Worker::start(&stage.another_worker().await, config("ben"));
        stage.place(&harbor(), Some("ben")).await;
        frames.until_fact(is_owned_by("ben")).await;
        stage.ask(&harbor(), ANN, [(1, say("realm.1"))]).await;
        let is_spoken = |fact: &Fact| matches!(fact, Fact::Spoken { .. });
        frames.until_fact(is_spoken).await;
        kill(pid, Signal::SIGCONT).unwrap();
        // It has had time to write, and everything that is in the log folds: one chain of epochs.
        let woken = frames.state.tick();
        frames.until(|frame| frame.tick.0 > woken.0 + 75).await;
        assert_eq!(frames.facts(is_owned).len(), 2);
        assert_eq!(frames.facts(is_spoken).len(), 1);
        assert!(
            first.try_wait().unwrap().is_none(),
            "it lives on, without the area"
        );
        first.kill().await.unwrap();
        ben.drain().await;
    })
    .await;
}
