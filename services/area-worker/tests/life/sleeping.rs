//! Sleeping and waking.

use crate::stage::{
    ANN, Stage, Watched, Worker, config, harbor, is_arrived, is_hibernated, is_owned, is_owned_by,
    on_both, sleepy, start,
};

on_both!(
    an_empty_area_sleeps_and_a_knock_wakes_it,
    a_command_that_came_before_the_sleep_wakes_at_once,
    a_sleeping_area_stays_asleep_with_another_worker,
    who_is_inside_keeps_the_area_awake,
);

async fn an_empty_area_sleeps_and_a_knock_wakes_it(mut stage: Stage) {
    let worker = Worker::start(&stage.worker, sleepy("ann"));
    stage.give(&harbor(), "ann").await;
    let mut frames = stage.watch(&harbor());
    frames.until_fact(is_hibernated).await;
    assert!(frames.state.is_asleep());
    stage.enter(&harbor(), ANN, 1, start()).await;
    knock_until_arrived(&stage, &mut frames).await;
    assert_eq!(frames.facts(is_owned).len(), 2, "each waking is an epoch");
    worker.drain().await;
}

/// Whoever waits repeats the hint, for the area may just be falling asleep.
async fn knock_until_arrived(stage: &Stage, frames: &mut Watched) {
    let knocking = async {
        loop {
            stage.knock(&harbor()).await;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        () = knocking => {}
        _ = frames.until_fact(is_arrived) => {}
    }
}

async fn a_command_that_came_before_the_sleep_wakes_at_once(mut stage: Stage) {
    let worker = Worker::start(&stage.worker, sleepy("ann"));
    stage.give(&harbor(), "ann").await;
    let mut frames = stage.watch(&harbor());
    frames.until_fact(is_hibernated).await;
    worker.kill().await;
    // While nobody listens for knocks.
    stage.enter(&harbor(), ANN, 1, start()).await;
    let worker = Worker::start(&stage.another_worker().await, sleepy("ann"));
    frames.until_fact(is_arrived).await;
    worker.drain().await;
}

async fn a_sleeping_area_stays_asleep_with_another_worker(mut stage: Stage) {
    let worker = Worker::start(&stage.worker, sleepy("ann"));
    stage.give(&harbor(), "ann").await;
    let mut frames = stage.watch(&harbor());
    frames.until_fact(is_hibernated).await;
    let asleep = frames.frames.len();
    let other = Worker::start(&stage.another_worker().await, sleepy("ben"));
    stage.place(&harbor(), Some("ben")).await;
    worker.drain().await;
    // It was handed over in its sleep: the next frame is of the waking.
    stage.enter(&harbor(), ANN, 1, start()).await;
    knock_until_arrived(&stage, &mut frames).await;
    assert!(frames.frames[asleep].facts.iter().any(is_owned_by("ben")));
    other.drain().await;
}

async fn who_is_inside_keeps_the_area_awake(mut stage: Stage) {
    let worker = Worker::start(&stage.worker, sleepy("ann"));
    stage.give(&harbor(), "ann").await;
    stage.enter(&harbor(), ANN, 1, start()).await;
    let mut frames = stage.watch(&harbor());
    let arrived = frames.until_fact(is_arrived).await.tick;
    frames.until(|frame| frame.tick.0 > arrived.0 + 50).await;
    assert!(frames.facts(is_hibernated).is_empty());
    worker.drain().await;
    let worker = Worker::start(&stage.another_worker().await, config("ann"));
    frames.until_fact(is_owned_by("ann")).await;
    worker.drain().await;
}
