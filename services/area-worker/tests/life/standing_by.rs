//! Standing by: who will most likely own an area next has it already; and the manners of those who
//! hand over.

use std::time::{Duration, Instant};

use schemas::Epoch;
use schemas::fact::Fact;

use crate::stage::{
    ANN, Stage, Worker, config, harbor, is_arrived, is_hibernated, is_owned, is_owned_by,
    is_released, on_both, polite, say, sleepy, start, within,
};

on_both!(
    a_successor_takes_a_dead_owners_area_from_its_replica,
    an_owner_keeps_an_area_until_somebody_is_ready_to_take_it,
    a_successor_takes_over_by_plan_and_its_predecessor_stands_by,
);

async fn a_successor_takes_a_dead_owners_area_from_its_replica(mut stage: Stage) {
    let ann = Worker::start(&stage.worker, config("ann"));
    let ben = Worker::start(&stage.another_worker().await, config("ben"));
    stage.open(&harbor()).await;
    stage.place_and(&harbor(), Some("ann"), Some("ben")).await;
    let mut frames = stage.watch(&harbor());
    stage.enter(&harbor(), ANN, 1, start()).await;
    frames.until_fact(is_arrived).await;
    let announced = stage
        .until_member("ben", |member| member.replicas == [harbor()])
        .await;
    assert!(announced.areas.is_empty(), "a replica is not owned");
    let owner = stage
        .until_member("ann", |member| member.population == [(harbor(), 1)])
        .await;
    assert!(!owner.build.is_empty());

    let spoken = stage.ask(&harbor(), ANN, [(1, say("realm.1"))]).await;
    ann.kill().await;
    stage.place(&harbor(), Some("ben")).await;
    let taken = frames.until_fact(is_owned_by("ben")).await;
    assert_eq!(taken.epoch, Epoch(2));
    let is_spoken = |fact: &Fact| matches!(fact, Fact::Spoken { .. });
    if frames.facts(is_spoken).is_empty() {
        frames.until_fact(is_spoken).await;
    }
    assert!(frames.state.position().sequence >= spoken);
    assert_eq!(frames.facts(is_spoken).len(), 1);
    stage
        .until_member("ben", |member| {
            member.replicas.is_empty() && member.areas.len() == 1
        })
        .await;
    ben.drain().await;
}

async fn an_owner_keeps_an_area_until_somebody_is_ready_to_take_it(mut stage: Stage) {
    let ann = Worker::start(&stage.worker, polite("ann"));
    stage.give(&harbor(), "ann").await;
    let mut frames = stage.watch(&harbor());
    stage.enter(&harbor(), ANN, 1, start()).await;
    frames.until_fact(is_arrived).await;
    // The director counts on a worker that is not there.
    stage.place(&harbor(), Some("zed")).await;
    let placed = frames.state.tick();
    frames.until(|frame| frame.tick.0 > placed.0 + 50).await;
    assert!(frames.facts(is_released).is_empty());
    let ben = Worker::start(&stage.another_worker().await, polite("ben"));
    stage.place(&harbor(), Some("ben")).await;
    let released = frames.until_fact(is_released).await.no;
    let taken = frames.until_fact(is_owned_by("ben")).await;
    assert_eq!(taken.no, released.next());
    ann.drain().await;
    ben.drain().await;
}

async fn a_successor_takes_over_by_plan_and_its_predecessor_stands_by(mut stage: Stage) {
    let ann = Worker::start(&stage.worker, polite("ann"));
    let ben = Worker::start(&stage.another_worker().await, polite("ben"));
    stage.open(&harbor()).await;
    stage.place_and(&harbor(), Some("ann"), Some("ben")).await;
    let mut frames = stage.watch(&harbor());
    stage.enter(&harbor(), ANN, 1, start()).await;
    frames.until_fact(is_arrived).await;
    for (epoch, from, to) in [(2, "ann", "ben"), (3, "ben", "ann"), (4, "ann", "ben")] {
        stage
            .until_member(to, |member| member.replicas == [harbor()])
            .await;
        stage.place_and(&harbor(), Some(to), Some(from)).await;
        let released = frames.until_fact(is_released).await.clone();
        let taken = frames.until_fact(is_owned_by(to)).await;
        assert_eq!(taken.no, released.no.next(), "nothing between");
        assert_eq!(taken.epoch, Epoch(epoch));
        let late = taken.tick.0 - released.tick.0;
        assert!(late <= 25, "the world went on: {late} ticks");
    }
    assert!(frames.state.by_character(ANN).is_some());
    ann.drain().await;
    ben.drain().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_area_that_sleeps_no_replica_is_kept_until_it_wakes() {
    within(async {
        let mut stage = Stage::twin().await;
        let ann = Worker::start(&stage.worker, sleepy("ann"));
        let ben = Worker::start(&stage.another_worker().await, config("ben"));
        stage.open(&harbor()).await;
        stage.place_and(&harbor(), Some("ann"), Some("ben")).await;
        let mut frames = stage.watch(&harbor());
        frames.until_fact(is_hibernated).await;
        let keeps = |member: &schemas::control::Member| !member.replicas.is_empty();
        stage.until_member("ben", |member| !keeps(member)).await;
        stage.enter(&harbor(), ANN, 1, start()).await;
        stage.knock(&harbor()).await;
        frames.until_fact(is_owned).await;
        stage.until_member("ben", keeps).await;
        frames.until_fact(is_arrived).await;
        ann.kill().await;
        let begun = Instant::now();
        stage.place(&harbor(), Some("ben")).await;
        frames.until_fact(is_owned_by("ben")).await;
        assert!(begun.elapsed() < Duration::from_secs(3));
        ben.drain().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_keeps_no_more_replicas_than_it_may() {
    within(async {
        let mut stage = Stage::twin().await;
        let ann = Worker::start(&stage.worker, config("ann"));
        let few = area_worker::Config {
            replicas: 1,
            ..config("ben")
        };
        let ben = Worker::start(&stage.another_worker().await, few);
        let forest = schemas::AreaId::new("forest-1").unwrap();
        for area in [&harbor(), &forest] {
            stage.open(area).await;
            stage.place_and(area, Some("ann"), Some("ben")).await;
            stage.watch(area).until_fact(is_owned).await;
        }
        stage.until_member("ben", |m| m.replicas.len() == 1).await;
        ann.kill().await;
        for area in [&harbor(), &forest] {
            // With a replica or without, it takes what it is given.
            stage.place(area, Some("ben")).await;
            stage.watch(area).until_fact(is_owned_by("ben")).await;
        }
        ben.drain().await;
    })
    .await;
}
