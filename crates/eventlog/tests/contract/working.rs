//! Shared work.

use std::time::Duration;

use eventlog::WorkOptions;
use tokio::time::timeout;

use crate::subject::{Subject, frame, of_both, text};

of_both!(
    jobs_come_in_order_and_again_until_they_are_done,
    one_at_a_time_keeps_the_order_when_one_leaves_in_the_middle,
    another_takes_over_when_one_leaves,
    work_goes_on_over_a_lost_connection,
);

fn options() -> WorkOptions {
    let mut options = WorkOptions::new("LOBBY_COMMANDS", "lobby-3", "cmd.lobby.3.>");
    options.ack_wait = Duration::from_secs(2);
    // More than one at a time, to see several under way.
    options.max_ack_pending = 16;
    options
}

async fn command(subject: &Subject, text: &str) {
    let sent = subject.log.send("cmd.lobby.3.key", frame(text), None).await;
    sent.unwrap();
}

async fn jobs_come_in_order_and_again_until_they_are_done(subject: Subject) {
    let mut work = subject.log.work(options()).await.unwrap();
    for text in ["one", "two", "three"] {
        command(&subject, text).await;
    }
    for expected in ["one", "two", "three"] {
        let job = work.next().await.unwrap();
        assert_eq!((text(&job.record).as_str(), job.deliveries), (expected, 1));
        if expected == "two" {
            drop(job);
        } else {
            job.done().await.unwrap();
        }
    }
    let again = work.next().await.unwrap();
    assert_eq!((text(&again.record).as_str(), again.deliveries), ("two", 2));
    again.again(Duration::from_millis(10)).await.unwrap();
    let again = work.next().await.unwrap();
    assert_eq!((text(&again.record).as_str(), again.deliveries), ("two", 3));
    again.done().await.unwrap();
    let more = timeout(Duration::from_millis(2500), work.next()).await;
    assert!(more.is_err(), "everything is done");
}

async fn one_at_a_time_keeps_the_order_when_one_leaves_in_the_middle(subject: Subject) {
    let one_at_a_time = || {
        let mut options = options();
        options.max_ack_pending = 1;
        options
    };
    let mut first = subject.log.work(one_at_a_time()).await.unwrap();
    for text in ["one", "two", "three"] {
        command(&subject, text).await;
    }
    let held = first.next().await.unwrap();
    assert_eq!(text(&held.record), "one");
    drop((first, held));
    let mut second = subject.log.work(one_at_a_time()).await.unwrap();
    for expected in ["one", "two", "three"] {
        let job = timeout(Duration::from_secs(15), second.next()).await;
        let job = job.expect("it takes over").unwrap();
        assert_eq!(text(&job.record), expected);
        job.done().await.unwrap();
    }
}

async fn another_takes_over_when_one_leaves(subject: Subject) {
    let mut pinned = subject.log.work(options()).await.unwrap();
    command(&subject, "one").await;
    pinned.next().await.unwrap().done().await.unwrap();
    let mut waiting = subject.log.work(options()).await.unwrap();
    for text in ["two", "three", "four"] {
        command(&subject, text).await;
    }
    let early = timeout(Duration::from_millis(500), waiting.next()).await;
    assert!(early.is_err(), "one participant at a time");
    let job = pinned.next().await.unwrap();
    assert_eq!(text(&job.record), "two");
    job.done().await.unwrap();
    drop(pinned);
    // What had been given to the one who left comes again; order is kept within what is left.
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let job = timeout(Duration::from_secs(15), waiting.next()).await;
        let job = job.expect("it takes over").unwrap();
        seen.push(text(&job.record));
        job.done().await.unwrap();
    }
    seen.sort();
    assert_eq!(seen, ["four", "three"]);
}

async fn work_goes_on_over_a_lost_connection(subject: Subject) {
    let mut work = subject.log.work(options()).await.unwrap();
    for round in 0..3 {
        subject.faults.disconnect().await;
        command(&subject, &format!("{round}")).await;
        let job = timeout(Duration::from_secs(15), work.next()).await;
        let job = job.expect("it goes on").unwrap();
        assert_eq!(text(&job.record), format!("{round}"));
        job.done().await.unwrap();
    }
}
