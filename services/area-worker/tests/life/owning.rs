//! Owning: taking an area, keeping its clock, going on after a restart, and being fenced.

use schemas::command::PlayerAsk;
use schemas::fact::Fact;
use schemas::outcome::Reason;
use schemas::segment::InputBits;
use schemas::subjects::{AREA_EVENTS, area_events};
use schemas::{Claim, Epoch, UnixMillis};
use world::{FrameHeader, HASH_VERSION, RULES_VERSION};

use crate::stage::{
    ANN, Stage, Worker, config, harbor, is_arrived, is_owned, is_owned_by, on_both, say, start,
};

on_both!(
    a_placed_area_is_taken_and_keeps_its_clock,
    nothing_is_owned_that_has_not_been_opened,
    a_restarted_worker_goes_on_where_the_world_stood,
    the_slower_of_two_owners_is_fenced_and_drops_the_area,
    garbage_is_one_rejection_and_the_next_command_is_heard,
);

async fn a_placed_area_is_taken_and_keeps_its_clock(mut stage: Stage) {
    let worker = Worker::start(&stage.worker, config("ann"));
    stage.give(&harbor(), "ann").await;
    let mut frames = stage.watch(&harbor());
    let owned = frames.until_fact(is_owned).await;
    assert_eq!((owned.no.0, owned.epoch, owned.tick.0), (1, Epoch(1), 0));
    for _ in 0..3 {
        let before = frames.frames.last().map(|frame| (frame.tick, frame.at));
        let after = frames.next().await;
        let (tick, at) = before.unwrap();
        let (ticks, elapsed) = (after.tick.0 - tick.0, after.at.0 - at.0);
        // A busy machine may make it slow; nothing may make it fast beyond the three ticks it owes.
        assert!(ticks * 40 <= elapsed + 160, "{ticks} ticks in {elapsed} ms");
    }
    worker.drain().await;
}

async fn nothing_is_owned_that_has_not_been_opened(mut stage: Stage) {
    let worker = Worker::start(&stage.worker, config("ann"));
    stage.place(&harbor(), Some("ann")).await;
    let forest = schemas::AreaId::new("forest-1").unwrap();
    stage.give(&forest, "ann").await;
    stage.watch(&forest).until_fact(is_owned).await;
    let info = stage.worker.last(&area_events(&harbor())).await.unwrap();
    assert_eq!(info, None);
    stage.open(&harbor()).await;
    stage.watch(&harbor()).until_fact(is_owned).await;
    worker.drain().await;
}

async fn a_restarted_worker_goes_on_where_the_world_stood(mut stage: Stage) {
    let worker = Worker::start(&stage.worker, config("ann"));
    stage.give(&harbor(), "ann").await;
    let mut frames = stage.watch(&harbor());
    stage.enter(&harbor(), ANN, 1, start()).await;
    frames.until_fact(is_arrived).await;
    let held = InputBits::RIGHT;
    let input = PlayerAsk::Input {
        bits: held,
        client_step: 0,
        view_step: 0,
    };
    stage.ask(&harbor(), ANN, [(1, input)]).await;
    frames
        .until(|frame| frame.outcomes.accepted().count() > 0)
        .await;
    worker.kill().await;

    let second = stage.ask(&harbor(), ANN, [(2, say("realm.1"))]).await;
    let worker = Worker::start(&stage.another_worker().await, config("ann"));
    let owned = frames.until_fact(is_owned).await;
    assert_eq!(owned.epoch, Epoch(2));
    let spoken = frames
        .until_fact(|fact| matches!(fact, Fact::Spoken { .. }))
        .await;
    assert_eq!(spoken.pos.sequence, second);
    let body = frames.state.by_character(ANN).expect("still there");
    assert_eq!((body.controller.input, body.last_seq()), (held, 2));
    assert_eq!(frames.facts(is_arrived).len(), 1, "nobody arrives twice");
    worker.drain().await;
}

async fn the_slower_of_two_owners_is_fenced_and_drops_the_area(mut stage: Stage) {
    let worker = Worker::start(&stage.worker, config("ann"));
    stage.give(&harbor(), "ann").await;
    let mut frames = stage.watch(&harbor());
    frames.until_fact(is_owned).await;

    // A claimant that does not ask: as a second worker does that believes the first one dead.
    let map = &world::maps::builtin("harbor").unwrap().map;
    let log = stage.another_worker().await;
    loop {
        let mut appender = log.appender(&area_events(&harbor())).await.unwrap();
        while frames.frames.len() as u64 != log.stream_info(AREA_EVENTS).await.unwrap().messages {
            frames.next().await;
        }
        let owned = Fact::Owned {
            worker: "intruder".into(),
            build: "test".into(),
            rules: RULES_VERSION,
            map: map.name.clone(),
            map_hash: map.digest,
            seed: 7,
            hash_version: HASH_VERSION,
            resume_tick: frames.state.tick(),
            lost: None,
        };
        let header = FrameHeader {
            epoch: Epoch(2),
            claim: Claim(99),
        };
        let decision = world::resume(
            &world::Rules::DEFAULT,
            &frames.state,
            map,
            owned,
            UnixMillis::now(),
        );
        let (_, bytes, _) = decision.seal(&header);
        if appender.append(bytes.into(), None).await.is_ok() {
            break;
        }
    }
    frames.until_fact(is_owned_by("intruder")).await;
    // The loser notices with its next frame, and since the area is still placed with it and nobody
    // hears the intruder's heart, it takes it again: under a new epoch, after the intruder's frame.
    let again = frames.until_fact(is_owned_by("ann")).await;
    assert_eq!(again.epoch, Epoch(3));
    let epochs: Vec<u64> = frames.frames.iter().map(|frame| frame.epoch.0).collect();
    assert!(epochs.is_sorted(), "{epochs:?}");
    worker.drain().await;
}

async fn garbage_is_one_rejection_and_the_next_command_is_heard(mut stage: Stage) {
    let worker = Worker::start(&stage.worker, config("ann"));
    stage.give(&harbor(), "ann").await;
    let mut frames = stage.watch(&harbor());
    stage.send_garbage(&harbor()).await;
    let frame = frames.until(|frame| frame.outcomes.undecodable > 0).await;
    assert_eq!(frame.outcomes.undecodable, 1);
    stage.ask(&harbor(), ANN, [(1, say("realm.1"))]).await;
    let frame = frames
        .until(|frame| !frame.outcomes.rejected.is_empty())
        .await;
    assert_eq!(frame.outcomes.rejected[0].reason, Reason::NotHere);
    worker.drain().await;
}
