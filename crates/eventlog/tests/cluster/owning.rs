//! Writing under the fence while leaders die, freeze and step down.

use std::time::Duration;

use eventlog::AppendError;

use crate::stage::{EVENTS, HARBOR, Stage, append, frame, numbered, whole, within};

/// A leader's death may take two elections' time, and a broker's machine is busy.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_frame_is_there_once_and_in_order_though_leaders_die() {
    within(async {
        let mut stage = Stage::set().await;
        let log = stage.log().await;
        let mut appender = log.appender(HARBOR).await.unwrap();
        let texts = numbered(60);
        for (n, text) in texts.iter().enumerate() {
            if n % 20 == 10 {
                let (leader, _) = stage.leader_and_other().await;
                stage.cluster.node(leader).kill().unwrap();
                let pause = append(&mut appender, text).await;
                println!("the leader's death: {pause:?}");
                assert!(pause < LONGEST_PAUSE, "{pause:?}");
                stage.cluster.node(leader).restart().await.unwrap();
                stage.cluster.ready().await.unwrap();
            } else {
                append(&mut appender, text).await;
            }
        }
        assert_eq!(whole(&log, HARBOR).await, texts);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_former_owner_is_refused_by_the_next_leader() {
    within(async {
        let mut stage = Stage::set().await;
        let (leader, other) = stage.leader_and_other().await;
        let former = stage.log_at(leader).await;
        let next = stage.log_at(other).await;
        let mut old = former.appender(HARBOR).await.unwrap();
        append(&mut old, "the former owner's").await;
        let mut new = next.appender(HARBOR).await.unwrap();
        stage.cluster.node(leader).kill().unwrap();
        append(&mut new, "the next owner's").await;
        let refused = loop {
            match old.append(frame("a ghost's"), None).await {
                Err(AppendError::Unavailable { .. }) => {
                    old.resume().await.ok();
                }
                outcome => break outcome,
            }
        };
        assert!(
            matches!(refused, Err(AppendError::Fenced { .. })),
            "{refused:?}"
        );
        let wanted = ["the former owner's", "the next owner's"];
        assert_eq!(whole(&next, HARBOR).await, wanted);
    })
    .await;
}

/// Two claim at the same moment through different nodes, again and again: the broker says *in flight* (10164) or refuses
/// (10071), and exactly one of the two is told yes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_claimants_exactly_one_is_let_in() {
    within(async {
        let stage = Stage::set().await;
        let (leader, other) = stage.leader_and_other().await;
        let (one, two) = (stage.log_at(leader).await, stage.log_at(other).await);
        let mut winners = Vec::new();
        for round in 1..=25 {
            let mut a = one.appender(HARBOR).await.unwrap();
            let mut b = two.appender(HARBOR).await.unwrap();
            let (from_a, from_b) = (format!("a {round}"), format!("b {round}"));
            let outcomes = tokio::join!(
                a.append(frame(&from_a), None),
                b.append(frame(&from_b), None)
            );
            winners.push(match outcomes {
                (Ok(_), Err(AppendError::Fenced { .. })) => from_a,
                (Err(AppendError::Fenced { .. }), Ok(_)) => from_b,
                other => panic!("{other:?}"),
            });
        }
        assert_eq!(whole(&one, HARBOR).await, winners);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_was_frozen_and_wakes_up_has_nothing_to_say() {
    within(async {
        let mut stage = Stage::set().await;
        let (leader, _) = stage.leader_and_other().await;
        let log = stage.log_at(leader).await;
        let mut appender = log.appender(HARBOR).await.unwrap();
        append(&mut appender, "before").await;
        // The client's own node, too: it takes what is sent and does not answer.
        stage.cluster.node(leader).pause().unwrap();
        let pause = append(&mut appender, "meanwhile").await;
        println!("the leader is frozen: {pause:?}");
        assert!(pause < LONGEST_PAUSE, "{pause:?}");
        stage.cluster.node(leader).resume().unwrap();
        append(&mut appender, "after").await;
        stage.cluster.ready().await.unwrap();
        assert_ne!(stage.cluster.leader_of(EVENTS).await, Some(leader));
        assert_eq!(whole(&log, HARBOR).await, ["before", "meanwhile", "after"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_upgrade_is_hardly_felt() {
    within(async {
        let mut stage = Stage::set().await;
        let log = stage.log().await;
        let mut appender = log.appender(HARBOR).await.unwrap();
        let (mut written, mut longest) = (Vec::new(), Duration::ZERO);
        for node in 0..stage.cluster.size() {
            stage.cluster.node(node).lame_duck().unwrap();
            while stage.cluster.node(node).is_running() {
                let text = format!("frame {}", written.len() + 1);
                longest = longest.max(append(&mut appender, &text).await);
                written.push(text);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            stage.cluster.node(node).restart().await.unwrap();
            stage.cluster.ready().await.unwrap();
        }
        // Some 0.2 s where a disk is not shared by three brokers and more; that they hand over is devstack's to test.
        println!("the longest pause of a rolling upgrade: {longest:?}");
        assert!(longest < LONGEST_PAUSE, "{longest:?}");
        assert_eq!(whole(&log, HARBOR).await, written);
    })
    .await;
}
