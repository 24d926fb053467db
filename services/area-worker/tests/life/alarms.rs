//! False alarms: an area is taken from an owner that is alive. It costs a moment and nothing else.
//!
//! The director is wrong here on purpose. Whatever the former owner has decided and not written is
//! refused when it comes through at last, nobody has heard of it, and the worker goes on without the
//! area, fit to be given it again.

use std::time::Duration;

use area_worker::Config;
use runtime::Span;
use schemas::command::PlayerAsk;
use schemas::fact::Fact;
use schemas::{AreaId, Epoch};

use crate::effects::{at_the_door, door, is_confirmed_by, is_departed};
use crate::stage::{
    ANN, Stage, Watched, Worker, config, harbor, is_arrived, is_owned, is_owned_by, on_both, start,
    within,
};

on_both!(a_worker_that_is_late_itself_claims_nothing);

/// No message of the former owner comes through: its decisions pile up before the broker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_fenced_owner_had_decided_reaches_nobody() {
    within(async {
        let mut stage = Stage::broker().await;
        let (log, faults) = stage.disturbed_worker().await;
        let behind = door().to_area.clone();
        let ann = Worker::start(&log, config("ann"));
        let ben = Worker::start(&stage.worker, config("ben"));
        stage.give(&harbor(), "ann").await;
        stage.give(&behind, "ben").await;
        let (mut here, mut there) = (stage.watch(&harbor()), stage.watch(&behind));
        stage.enter(&harbor(), ANN, 1, at_the_door()).await;
        here.until_fact(is_arrived).await;

        let sent = faults.published();
        faults.lose_messages(u32::MAX);
        stage.ask(&harbor(), ANN, [(1, PlayerAsk::UseDoor)]).await;
        // Her heart beats on, and she hears that the area is another's; but her last frame, too, waits
        // behind the one that is lost again and again.
        while faults.published() < sent + 5 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stage.place(&harbor(), Some("ben")).await;
        let taken = here.until_fact(is_owned_by("ben")).await;
        assert_eq!(taken.epoch, Epoch(2));
        assert!(here.facts(is_departed).is_empty(), "not by ann");
        faults.lose_messages(0);

        let departed = here.until_fact(is_departed).await;
        assert_eq!(departed.epoch, Epoch(2), "decided by ben");
        there.until_fact(is_arrived).await;
        here.until_fact(is_confirmed_by(&behind)).await;
        and_she_is_fit_to_have_it_again(&mut stage, &mut here).await;
        assert_eq!(here.facts(is_departed).len(), 1);
        assert_eq!(there.facts(is_arrived).len(), 1);
        no_snapshot_points_past(&stage, &harbor(), &here).await;
        ann.drain().await;
        ben.drain().await;
    })
    .await;
}

/// Nothing comes out of the broker to the former owner: neither acks nor commands nor placements.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_was_cut_off_is_refused_when_it_comes_back() {
    within(async {
        let mut stage = Stage::broker().await;
        let (log, faults) = stage.disturbed_worker().await;
        let ann = Worker::start(&log, config("ann"));
        let ben = Worker::start(&stage.worker, config("ben"));
        stage.give(&harbor(), "ann").await;
        let mut here = stage.watch(&harbor());
        stage.enter(&harbor(), ANN, 1, start()).await;
        here.until_fact(is_arrived).await;

        faults.stall(Duration::from_secs(5));
        stage.place(&harbor(), Some("ben")).await;
        here.until_fact(is_owned_by("ben")).await;
        // Longer than she is cut off: she has come back, has tried, and whatever is in the log folds.
        let taken = here.state.tick();
        here.until(|frame| frame.tick.0 > taken.0 + 125).await;
        assert_eq!(here.facts(is_owned).len(), 2);
        assert_eq!(here.state.epoch(), Epoch(2));
        and_she_is_fit_to_have_it_again(&mut stage, &mut here).await;
        no_snapshot_points_past(&stage, &harbor(), &here).await;
        ann.drain().await;
        ben.drain().await;
    })
    .await;
}

/// Both have the same state and want the same epoch; the claim of the first is under way for long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_claimants_of_one_epoch_the_slower_is_refused() {
    within(async {
        let (mut stage, mut here) = left_by_the_dead().await;
        let (log, faults) = stage.disturbed_worker().await;
        let ann = Worker::start(&log, config("ann"));
        stage.until_member("ann", |_| true).await;
        let sent = faults.published();
        faults.lose_messages(u32::MAX);
        stage.place(&harbor(), Some("ann")).await;
        while faults.published() < sent + 5 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let ben = Worker::start(&stage.worker, config("ben"));
        stage.place(&harbor(), Some("ben")).await;
        let taken = here.until_fact(is_owned_by("ben")).await;
        assert_eq!(taken.epoch, Epoch(2));
        faults.lose_messages(0);
        let clock = here.state.tick();
        here.until(|frame| frame.tick.0 > clock.0 + 50).await;
        assert!(here.facts(is_owned_by("ann")).is_empty());
        and_she_is_fit_to_have_it_again(&mut stage, &mut here).await;
        ann.drain().await;
        ben.drain().await;
    })
    .await;
}

/// The claim of the first is stored, but the ack is lost, and before it can ask it is succeeded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claimant_whose_ack_was_lost_and_who_was_succeeded_is_refused() {
    within(async {
        let (mut stage, mut here) = left_by_the_dead().await;
        let (log, faults) = stage.disturbed_worker().await;
        let ann = Worker::start(&log, config("ann"));
        stage.until_member("ann", |_| true).await;
        stage.place(&harbor(), Some("ann")).await;
        faults.lose_acks(u32::MAX);
        let taken = here.until_fact(is_owned_by("ann")).await;
        assert_eq!(taken.epoch, Epoch(2));
        faults.stall(Duration::from_secs(5));
        faults.lose_acks(0);
        let ben = Worker::start(&stage.worker, config("ben"));
        stage.place(&harbor(), Some("ben")).await;
        let taken = here.until_fact(is_owned_by("ben")).await;
        assert_eq!(taken.epoch, Epoch(3));
        let clock = here.state.tick();
        here.until(|frame| frame.tick.0 > clock.0 + 125).await;
        assert_eq!(here.state.epoch(), Epoch(3), "she did not write again");
        and_she_is_fit_to_have_it_again(&mut stage, &mut here).await;
        ann.drain().await;
        ben.drain().await;
    })
    .await;
}

async fn a_worker_that_is_late_itself_claims_nothing(mut stage: Stage) {
    let late = Config {
        late_after: Span::from_millis(0),
        ..config("ann")
    };
    let ann = Worker::start(&stage.worker, late);
    let ben = Worker::start(&stage.another_worker().await, config("ben"));
    stage.give(&harbor(), "ann").await;
    let forest = AreaId::new("forest-1").unwrap();
    stage.give(&forest, "ben").await;
    stage.watch(&forest).until_fact(is_owned).await;
    stage.place(&harbor(), Some("ben")).await;
    let mut here = stage.watch(&harbor());
    let first = here.until_fact(is_owned).await;
    assert_eq!(first.epoch, Epoch(1));
    assert_eq!(here.facts(is_owned_by("ben")).len(), 1);
    ann.drain().await;
    ben.drain().await;
}

/// The harbor with somebody in it, whose owner was killed long ago.
async fn left_by_the_dead() -> (Stage, Watched) {
    let mut stage = Stage::broker().await;
    let zed = Worker::start(&stage.another_worker().await, config("zed"));
    stage.give(&harbor(), "zed").await;
    let mut here = stage.watch(&harbor());
    stage.enter(&harbor(), ANN, 1, start()).await;
    here.until_fact(is_arrived).await;
    zed.kill().await;
    stage.place(&harbor(), None).await;
    (stage, here)
}

/// The worker that lost the area lives, and is handed it again by whoever has it.
async fn and_she_is_fit_to_have_it_again(stage: &mut Stage, frames: &mut Watched) {
    let epoch = frames.state.epoch();
    stage.place(&harbor(), Some("ann")).await;
    let again = frames.until_fact(is_owned_by("ann")).await;
    assert_eq!(again.epoch, Epoch(epoch.0 + 1));
    frames.next().await;
}

/// Every snapshot is of a frame that is in the log.
async fn no_snapshot_points_past(stage: &Stage, area: &AreaId, frames: &Watched) {
    let is_loss = |fact: &Fact| matches!(fact, Fact::Owned { lost: Some(_), .. });
    assert!(frames.facts(is_loss).is_empty());
    let kept = stage.worker.snapshots().load(area).await.unwrap();
    for snapshot in kept {
        let stored = stage
            .worker
            .get("AREA_EVENTS", snapshot.point.sequence)
            .await
            .unwrap();
        let stored = stored.expect("a frame where the snapshot says");
        assert_eq!(schemas::Digest::of(&stored.payload), snapshot.point.digest);
    }
}
