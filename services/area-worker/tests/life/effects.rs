//! Effects between two areas: exactly once, whatever dies on the way.

use schemas::AreaId;
use schemas::command::PlayerAsk;
use schemas::effect::EntryPoint;
use schemas::fact::Fact;
use schemas::frame::Frame;
use world::Door;

use crate::stage::{
    ANN, Stage, Watched, Worker, config, harbor, is_arrived, is_owned, on_both, sleepy, start,
};

on_both!(
    a_door_leads_into_the_next_area,
    a_worker_that_dies_after_the_departure_loses_and_doubles_nobody,
    a_repeated_effect_is_confirmed_and_changes_nothing,
    a_door_wakes_the_area_behind_it,
    what_an_edge_forges_is_rejected_and_changes_nothing,
);

pub(crate) fn door() -> &'static Door {
    &world::maps::builtin("harbor").unwrap().map.doors[0]
}

pub(crate) fn at_the_door() -> EntryPoint {
    let door = door();
    EntryPoint::At {
        x: door.x,
        y: door.y + door.height - world::rules::BODY_HEIGHT,
    }
}

pub(crate) fn is_departed(fact: &Fact) -> bool {
    matches!(fact, Fact::Departed { .. })
}

pub(crate) fn is_confirmed_by(area: &AreaId) -> impl Fn(&Fact) -> bool {
    let name = schemas::subjects::AggregateId::Area(area.clone());
    move |fact| matches!(fact, Fact::EffectsConfirmed { target, .. } if *target == name)
}

/// Ann stands at the door of the harbor, and uses it.
async fn leave_through_the_door(stage: &Stage, frames: &mut Watched) {
    stage.enter(&harbor(), ANN, 1, at_the_door()).await;
    frames.until_fact(is_arrived).await;
    stage.ask(&harbor(), ANN, [(1, PlayerAsk::UseDoor)]).await;
    frames.until_fact(is_departed).await;
}

async fn a_door_leads_into_the_next_area(mut stage: Stage) {
    let behind = door().to_area.clone();
    let ann = Worker::start(&stage.worker, config("ann"));
    let ben = Worker::start(&stage.another_worker().await, config("ben"));
    stage.give(&harbor(), "ann").await;
    stage.give(&behind, "ben").await;
    let (mut here, mut there) = (stage.watch(&harbor()), stage.watch(&behind));
    leave_through_the_door(&stage, &mut here).await;
    there.until_fact(is_arrived).await;
    here.until_fact(is_confirmed_by(&behind)).await;
    assert!(here.state.by_character(ANN).is_none());
    let body = there.state.by_character(ANN).expect("on the other side");
    assert_eq!(body.last_seq(), 1, "what was accepted travels along");
    ann.drain().await;
    ben.drain().await;
}

async fn a_worker_that_dies_after_the_departure_loses_and_doubles_nobody(mut stage: Stage) {
    let behind = door().to_area.clone();
    let ann = Worker::start(&stage.worker, config("ann"));
    stage.give(&harbor(), "ann").await;
    let mut here = stage.watch(&harbor());
    leave_through_the_door(&stage, &mut here).await;
    // Whether its effect was sent or not, nobody knows; the next owner sends it (again).
    ann.kill().await;
    let ann = Worker::start(&stage.another_worker().await, config("ann"));
    stage.give(&behind, "ann").await;
    let mut there = stage.watch(&behind);
    there.until_fact(is_arrived).await;
    here.until_fact(is_confirmed_by(&behind)).await;
    assert_eq!(there.facts(is_arrived).len(), 1);
    assert_eq!(here.facts(is_departed).len(), 1);
    assert!(here.state.by_character(ANN).is_none() && there.state.by_character(ANN).is_some());
    ann.drain().await;
}

async fn a_repeated_effect_is_confirmed_and_changes_nothing(mut stage: Stage) {
    let worker = Worker::start(&stage.worker, config("ann"));
    stage.give(&harbor(), "ann").await;
    let mut frames = stage.watch(&harbor());
    for _ in 0..3 {
        stage.enter(&harbor(), ANN, 1, start()).await;
    }
    let mut judged = 0;
    while judged < 3 {
        judged += frames.next().await.outcomes.effects.len();
    }
    assert_eq!(frames.facts(is_arrived).len(), 1);
    worker.drain().await;
}

async fn a_door_wakes_the_area_behind_it(mut stage: Stage) {
    let behind = door().to_area.clone();
    let worker = Worker::start(&stage.worker, sleepy("ann"));
    stage.give(&behind, "ann").await;
    let mut there = stage.watch(&behind);
    there
        .until_fact(|fact| matches!(fact, Fact::Hibernated {}))
        .await;
    stage.give(&harbor(), "ann").await;
    let mut here = stage.watch(&harbor());
    leave_through_the_door(&stage, &mut here).await;
    there.until_fact(is_arrived).await;
    assert_eq!(there.facts(is_owned).len(), 2);
    worker.drain().await;
}

async fn what_an_edge_forges_is_rejected_and_changes_nothing(mut stage: Stage) {
    let worker = Worker::start(&stage.worker, config("ann"));
    stage.give(&harbor(), "ann").await;
    let mut frames = stage.watch(&harbor());
    stage.forge(&harbor(), ANN, 1).await;
    let rejected = |frames: &Watched| -> u32 {
        let of = |frame: &Frame| frame.outcomes.undecodable;
        frames.frames.iter().map(of).sum()
    };
    while rejected(&frames) < 2 {
        frames.next().await;
    }
    assert!(frames.state.by_character(ANN).is_none());
    // The number is still the lobby's to use: what it sends is the first that the area has had.
    stage.enter(&harbor(), ANN, 1, start()).await;
    frames.until_fact(is_arrived).await;
    assert_eq!(frames.facts(is_arrived).len(), 1);
    assert_eq!(rejected(&frames), 2);
    let judged = |frame: &Frame| frame.outcomes.effects.clone();
    let verdicts: Vec<_> = frames.frames.iter().flat_map(judged).collect();
    assert_eq!(verdicts.len(), 1, "{verdicts:?}");
    worker.drain().await;
}
