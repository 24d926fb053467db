//! Commands that break the rules. With the feature `fault-injection` a line sealed under the key
//! `panic` does.

use eventlog::membership;
use schemas::fact::Fact;
use schemas::outcome::Reason;

use crate::stage::{
    ANN, Stage, Worker, config, harbor, is_arrived, is_released, on_both, say, start,
};

on_both!(
    a_command_that_breaks_the_rules_is_rejected_and_the_area_lives,
    an_area_whose_rules_keep_breaking_is_given_up,
);

async fn a_command_that_breaks_the_rules_is_rejected_and_the_area_lives(mut stage: Stage) {
    let worker = Worker::start(&stage.worker, config("ann"));
    stage.give(&harbor(), "ann").await;
    let mut frames = stage.watch(&harbor());
    stage.enter(&harbor(), ANN, 1, start()).await;
    frames.until_fact(is_arrived).await;
    let asks = [(1, say("realm.1")), (2, say("panic")), (3, say("realm.1"))];
    stage.ask(&harbor(), ANN, asks).await;
    let frame = frames
        .until(|frame| !frame.outcomes.rejected.is_empty())
        .await;
    let rejected: Vec<_> = frame
        .outcomes
        .rejected
        .iter()
        .map(|r| (r.seq, r.reason))
        .collect();
    assert_eq!(rejected, [(2, Reason::Fault)]);
    let spoken = frames.facts(|fact| matches!(fact, Fact::Spoken { .. }));
    assert_eq!(spoken.len(), 2, "those before and after it are heard");
    worker.drain().await;
}

async fn an_area_whose_rules_keep_breaking_is_given_up(mut stage: Stage) {
    let worker = Worker::start(&stage.worker, config("ann"));
    stage.give(&harbor(), "ann").await;
    let mut frames = stage.watch(&harbor());
    stage.enter(&harbor(), ANN, 1, start()).await;
    frames.until_fact(is_arrived).await;
    let asks = [(1, say("panic")), (2, say("panic")), (3, say("panic"))];
    stage.ask(&harbor(), ANN, asks).await;
    frames.until_fact(is_released).await;
    let faults = frames
        .frames
        .iter()
        .flat_map(|frame| &frame.outcomes.rejected);
    assert_eq!(faults.filter(|r| r.reason == Reason::Fault).count(), 3);
    let mut members = membership::watch(&stage.worker).await.unwrap();
    loop {
        if let membership::Change::Present(member) = members.next().await.unwrap()
            && member.quarantined == [harbor()]
        {
            assert!(member.areas.is_empty());
            break;
        }
    }
    worker.drain().await;
}
