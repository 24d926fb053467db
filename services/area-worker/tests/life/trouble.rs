//! A broker in trouble, played by the twin: the world pauses and goes on, and the log stays whole.

use std::time::{Duration, Instant};

use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::outcome::Reason;
use schemas::subjects::{AREA_COMMANDS, AggregateId, Sender, area_command};

use crate::stage::{
    ANN, EDGE, Stage, Watched, Worker, config, harbor, is_arrived, is_owned, say, start, within,
};

async fn running() -> (Stage, Worker, Watched) {
    let mut stage = Stage::twin().await;
    let worker = Worker::start(&stage.worker, config("ann"));
    stage.give(&harbor(), "ann").await;
    let mut frames = stage.watch(&harbor());
    stage.enter(&harbor(), ANN, 1, start()).await;
    frames.until_fact(is_arrived).await;
    (stage, worker, frames)
}

async fn until_spoken(frames: &mut Watched, lines: usize) {
    let is_spoken = |fact: &Fact| matches!(fact, Fact::Spoken { .. });
    while frames.facts(is_spoken).len() < lines {
        frames.next().await;
    }
    assert_eq!(frames.facts(is_spoken).len(), lines, "each line once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_acks_and_appends_in_flight_cost_nothing() {
    within(async {
        let (stage, worker, mut frames) = running().await;
        let faults = stage.faults.clone().unwrap();
        for line in 1..=20_u32 {
            match line % 3 {
                0 => faults.lose_acks(2),
                1 => faults.in_flight(2),
                _ => faults.lose_messages(2),
            }
            stage.ask(&harbor(), ANN, [(line, say("realm.1"))]).await;
            until_spoken(&mut frames, line as usize).await;
        }
        assert_eq!(frames.facts(is_owned).len(), 1, "nobody lost the area");
        worker.drain().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_stands_still_stops_the_world_within_two_ticks() {
    within(async {
        let (stage, worker, mut frames) = running().await;
        let faults = stage.faults.clone().unwrap();
        stage.ask(&harbor(), ANN, [(1, say("realm.1"))]).await;
        until_spoken(&mut frames, 1).await;
        let (before, begun) = (frames.state.tick().0, Instant::now());
        let pause = Duration::from_millis(3000);
        faults.stall(pause);
        stage.ask(&harbor(), ANN, [(2, say("realm.1"))]).await;
        until_spoken(&mut frames, 2).await;
        assert!(begun.elapsed() >= pause);
        let stood = begun.elapsed().as_millis() / 40 - u128::from(frames.state.tick().0 - before);
        assert!(stood >= 40, "the world ran on for all but {stood} ticks");
        worker.drain().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_falls_silent_is_built_anew() {
    within(async {
        let (stage, worker, mut frames) = running().await;
        stage.faults.clone().unwrap().silence_readers();
        stage.ask(&harbor(), ANN, [(1, say("realm.1"))]).await;
        until_spoken(&mut frames, 1).await;
        worker.drain().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_too_long_is_rejected_and_what_retention_took_is_named() {
    within(async {
        let (mut stage, worker, mut frames) = running().await;
        worker.kill().await;
        let consumed = frames.state.position().sequence;
        let repeated = stage.enter(&harbor(), ANN, 1, start()).await;
        let first = stage.ask(&harbor(), ANN, [(1, say("realm.1"))]).await;
        let second = stage.ask(&harbor(), ANN, [(2, say("realm.1"))]).await;
        stage.enter(&harbor(), ANN, 1, start()).await;
        // All but the last two age out of the stream, and those grow too old.
        let ann = Sender::Aggregate(AggregateId::Character(ANN));
        for (sender, through) in [(ann, repeated), (Sender::Edge(EDGE), first)] {
            let subject = area_command(&harbor(), &sender);
            stage
                .worker
                .purge(AREA_COMMANDS, &subject, through)
                .await
                .unwrap();
        }
        tokio::time::sleep(Duration::from_millis(5_100)).await;
        stage.place(&harbor(), Some("ben")).await;
        let worker = Worker::start(&stage.worker, config("ben"));
        let owned = frames.until_fact(is_owned).await;
        let lost = owned.facts.iter().find_map(|fact| match fact {
            Fact::Owned { lost, .. } => *lost,
            _ => None,
        });
        assert_eq!(lost, Some((consumed.next(), first)));
        let frame = frames
            .until(|frame| !frame.outcomes.rejected.is_empty())
            .await;
        let rejected: Vec<_> = frame
            .outcomes
            .rejected
            .iter()
            .map(|r| (r.seq, r.reason))
            .collect();
        assert_eq!(rejected, [(2, Reason::Expired)]);
        assert!(frame.pos.sequence >= second);
        // Effects never expire: that of the message after it is judged as ever.
        let judged = |frame: &Frame| frame.epoch.0 == 2 && !frame.outcomes.effects.is_empty();
        if !frames.frames.iter().any(judged) {
            frames.until(judged).await;
        }
        worker.drain().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_broker_has_every_acknowledged_frame_and_the_world_goes_on() {
    within(async {
        let mut stage = Stage::broker().await;
        let worker = Worker::start(&stage.worker, config("ann"));
        stage.give(&harbor(), "ann").await;
        let mut frames = stage.watch(&harbor());
        stage.enter(&harbor(), ANN, 1, start()).await;
        frames.until_fact(is_arrived).await;
        for line in 1..=3_u32 {
            stage.ask(&harbor(), ANN, [(line, say("realm.1"))]).await;
            stage.restart_broker().await;
            until_spoken(&mut frames, line as usize).await;
        }
        // Whoever reads from the beginning finds the same chain.
        let mut again = stage.watch(&harbor());
        while again.frames.len() < frames.frames.len() {
            again.next().await;
        }
        assert_eq!(again.frames, frames.frames);
        worker.drain().await;
    })
    .await;
}
