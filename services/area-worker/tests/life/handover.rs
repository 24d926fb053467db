//! Handing over: planned moves, draining, and owners that die.

use std::time::{Duration, Instant};

use eventlog::membership;
use schemas::Epoch;

use crate::stage::{
    ANN, Stage, Worker, config, harbor, is_arrived, is_owned_by, is_released, on_both, polite,
    start,
};

on_both!(
    a_moved_area_is_released_before_it_is_taken,
    draining_releases_every_area_and_leaves,
    a_dead_owners_area_is_taken_without_waiting_long,
    the_second_worker_of_a_name_goes,
);

async fn a_moved_area_is_released_before_it_is_taken(mut stage: Stage) {
    let ann = Worker::start(&stage.worker, polite("ann"));
    let ben = Worker::start(&stage.another_worker().await, polite("ben"));
    stage.give(&harbor(), "ann").await;
    let mut frames = stage.watch(&harbor());
    stage.enter(&harbor(), ANN, 1, start()).await;
    frames.until_fact(is_arrived).await;
    for (to, epoch) in [("ben", 2), ("ann", 3)] {
        let begun = Instant::now();
        stage.place(&harbor(), Some(to)).await;
        let released = frames.until_fact(is_released).await.no;
        let taken = frames.until_fact(is_owned_by(to)).await;
        assert_eq!(taken.no, released.next(), "nothing between");
        assert_eq!(taken.epoch, Epoch(epoch));
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{:?}",
            begun.elapsed()
        );
    }
    assert!(frames.state.by_character(ANN).is_some());
    ann.drain().await;
    ben.drain().await;
}

async fn draining_releases_every_area_and_leaves(mut stage: Stage) {
    let worker = Worker::start(&stage.worker, config("ann"));
    let forest = schemas::AreaId::new("forest-1").unwrap();
    for area in [&harbor(), &forest] {
        stage.give(area, "ann").await;
        stage.watch(area).until_fact(is_owned_by("ann")).await;
    }
    worker.drain().await;
    for area in [harbor(), forest] {
        let mut frames = stage.watch(&area);
        frames.until_fact(is_released).await;
        assert!(frames.state.owner().is_some_and(|owner| !owner.present));
        let kept = stage.worker.snapshots().load(&area).await.unwrap();
        let digest = frames.state.last_digest();
        assert!(
            kept.iter().any(|kept| kept.point.digest == digest),
            "a snapshot of the last frame"
        );
    }
    assert_eq!(membership::members(&stage.worker).await.unwrap(), []);
}

async fn a_dead_owners_area_is_taken_without_waiting_long(mut stage: Stage) {
    let ann = Worker::start(&stage.worker, config("ann"));
    let ben = Worker::start(&stage.another_worker().await, config("ben"));
    stage.give(&harbor(), "ann").await;
    let mut frames = stage.watch(&harbor());
    frames.until_fact(is_owned_by("ann")).await;
    ann.kill().await;
    let begun = Instant::now();
    stage.place(&harbor(), Some("ben")).await;
    frames.until_fact(is_owned_by("ben")).await;
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    assert!(frames.facts(is_released).is_empty());
    ben.drain().await;
}

async fn the_second_worker_of_a_name_goes(mut stage: Stage) {
    let first = Worker::start(&stage.worker, config("ann"));
    stage.give(&harbor(), "ann").await;
    let mut frames = stage.watch(&harbor());
    frames.until_fact(is_owned_by("ann")).await;
    let second = Worker::start(&stage.another_worker().await, config("ann"));
    let refused = second.ended().await.unwrap_err().to_string();
    assert!(refused.contains("another worker called ann"), "{refused}");
    let clock = frames.state.tick();
    frames.until(|frame| frame.tick.0 > clock.0 + 25).await;
    first.drain().await;
    frames.until_fact(is_released).await;
}
