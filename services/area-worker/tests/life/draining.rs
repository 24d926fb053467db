//! Leaving: by a signal or by an operator's order, with somebody who takes over and without.

use std::time::{Duration, Instant};

use area_worker::Config;
use eventlog::membership;
use runtime::Span;

use crate::stage::{
    ANN, Stage, Worker, config, harbor, is_arrived, is_owned_by, is_released, on_both, polite,
    start,
};

on_both!(
    an_order_to_drain_hands_everything_over_and_ends_the_worker,
    an_order_that_stood_there_before_the_worker_counts_for_its_own_life_only,
    what_nobody_takes_in_time_is_let_go_with_a_last_frame,
    nobody_waits_where_nobody_else_serves,
);

fn patient(name: &str) -> Config {
    Config {
        grace: Span::from_secs(30),
        ..config(name)
    }
}

async fn an_order_to_drain_hands_everything_over_and_ends_the_worker(mut stage: Stage) {
    let ann = Config {
        grace: Span::from_secs(30),
        ..polite("ann")
    };
    let ann = Worker::start(&stage.worker, ann);
    let ben = Worker::start(&stage.another_worker().await, polite("ben"));
    let forest = schemas::AreaId::new("forest-1").unwrap();
    let mut watched = Vec::new();
    for area in [&harbor(), &forest] {
        stage.give(area, "ann").await;
        let mut frames = stage.watch(area);
        stage.enter(area, ANN, 1, start()).await;
        frames.until_fact(is_arrived).await;
        watched.push(frames);
    }
    stage.until_member("ben", |_| true).await;
    let life = stage.until_member("ann", |_| true).await.life;
    stage.order_to_drain("ann", life - 1).await;
    let clock = watched[0].state.tick();
    watched[0].until(|frame| frame.tick.0 > clock.0 + 30).await;
    let member = stage.until_member("ann", |_| true).await;
    assert!(!member.draining, "meant for another life");

    stage.order_to_drain("ann", life).await;
    stage.until_member("ann", |member| member.draining).await;
    for (area, frames) in [&harbor(), &forest].into_iter().zip(&mut watched) {
        let clock = frames.state.tick();
        frames.until(|frame| frame.tick.0 > clock.0).await;
        assert!(frames.facts(is_released).is_empty(), "it waits to be asked");
        stage.place(area, Some("ben")).await;
        let released = frames.until_fact(is_released).await.no;
        let taken = frames.until_fact(is_owned_by("ben")).await;
        assert_eq!(taken.no, released.next());
    }
    ann.ended().await.expect("success");
    let left = membership::members(&stage.worker).await.unwrap();
    assert!(left.iter().all(|member| member.worker == "ben"));
    ben.drain().await;
}

async fn an_order_that_stood_there_before_the_worker_counts_for_its_own_life_only(
    mut stage: Stage,
) {
    // Lives are named by the clock: this one is long over.
    stage.order_to_drain("ann", 1).await;
    let ann = Worker::start(&stage.worker, config("ann"));
    stage.give(&harbor(), "ann").await;
    stage.watch(&harbor()).until_fact(is_owned_by("ann")).await;
    let member = stage.until_member("ann", |m| !m.areas.is_empty()).await;
    assert!(!member.draining);
    ann.drain().await;
}

async fn what_nobody_takes_in_time_is_let_go_with_a_last_frame(mut stage: Stage) {
    let ann = Worker::start(&stage.worker, config("ann"));
    let ben = Worker::start(&stage.another_worker().await, config("ben"));
    stage.give(&harbor(), "ann").await;
    let mut frames = stage.watch(&harbor());
    stage.enter(&harbor(), ANN, 1, start()).await;
    frames.until_fact(is_arrived).await;
    stage.until_member("ben", |_| true).await;
    ann.drain().await;
    frames.until_fact(is_released).await;
    assert!(frames.state.owner().is_some_and(|owner| !owner.present));
    ben.drain().await;
}

async fn nobody_waits_where_nobody_else_serves(mut stage: Stage) {
    let ann = Worker::start(&stage.worker, patient("ann"));
    let ben = Worker::start(&stage.another_worker().await, patient("ben"));
    let forest = schemas::AreaId::new("forest-1").unwrap();
    for (area, worker) in [(&harbor(), "ann"), (&forest, "ben")] {
        stage.give(area, worker).await;
        let mut frames = stage.watch(area);
        stage.enter(area, ANN, 1, start()).await;
        frames.until_fact(is_arrived).await;
    }
    // Both at once, as when a whole system stops: neither waits for the other.
    let begun = Instant::now();
    tokio::join!(ann.drain(), ben.drain());
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    for area in [&harbor(), &forest] {
        stage.watch(area).until_fact(is_released).await;
    }
}
