//! Live.

use std::time::Duration;

use schemas::Sequence;
use tokio::time::timeout;

use crate::subject::{HARBOR, Subject, append_all, frame, numbered, of_both, text};

of_both!(
    live_has_neither_gap_nor_double_under_forced_loss,
    live_begins_after_what_was_had,
    a_lost_last_copy_is_noticed_in_the_silence,
    core_messages_reach_who_listens,
);

async fn live_has_neither_gap_nor_double_under_forced_loss(subject: Subject) {
    append_all(&subject.log, HARBOR, ["frame 1", "frame 2"]).await;
    let mut early = subject.log.live(HARBOR, Sequence(0)).await.unwrap();
    let wanted = numbered(400);
    let writing = async {
        let mut appender = subject.log.appender(HARBOR).await.unwrap();
        for (n, text) in wanted.iter().enumerate().skip(2) {
            match n % 60 {
                10 => subject.faults.lose_core(1),
                25 => subject.faults.lose_core(7),
                40 => subject.faults.disconnect().await,
                _ => {}
            }
            appender.append(frame(text), None).await.unwrap();
        }
    };
    let following = async {
        let mut seen = Vec::new();
        let mut late = None;
        while seen.len() < wanted.len() {
            seen.push(text(&early.next().await.unwrap()));
            if seen.len() == 150 {
                // Somebody who joins in the middle, knowing nothing.
                late = Some(subject.log.live(HARBOR, Sequence(0)).await.unwrap());
            }
        }
        let mut late_seen = Vec::new();
        let mut late = late.unwrap();
        while late_seen.len() < wanted.len() {
            late_seen.push(text(&late.next().await.unwrap()));
        }
        (seen, late_seen)
    };
    let ((), (seen, late_seen)) = tokio::join!(writing, following);
    assert_eq!(seen, wanted);
    assert_eq!(late_seen, wanted);
    let more = timeout(Duration::from_millis(200), early.next()).await;
    assert!(more.is_err(), "nothing comes twice: {more:?}");
}

async fn live_begins_after_what_was_had(subject: Subject) {
    let had = append_all(&subject.log, HARBOR, ["one", "two"]).await;
    let mut live = subject.log.live(HARBOR, had).await.unwrap();
    assert!(live.try_next().is_none());
    append_all(&subject.log, HARBOR, ["three"]).await;
    assert_eq!(text(&live.next().await.unwrap()), "three");
    assert!(live.position() > had);
}

async fn a_lost_last_copy_is_noticed_in_the_silence(subject: Subject) {
    let mut live = subject.log.live(HARBOR, Sequence(0)).await.unwrap();
    append_all(&subject.log, HARBOR, ["one"]).await;
    assert_eq!(text(&live.next().await.unwrap()), "one");
    subject.faults.lose_core(1);
    append_all(&subject.log, HARBOR, ["two"]).await;
    assert_eq!(text(&live.next().await.unwrap()), "two");
}

async fn core_messages_reach_who_listens(subject: Subject) {
    let mut wakes = subject.log.subscribe_core("wake.area.*").await.unwrap();
    assert!(wakes.try_next().is_none());
    for area in ["harbor-1", "forest-1"] {
        let hint = format!("wake.area.{area}");
        subject.log.publish_core(&hint, frame("")).await.unwrap();
        assert_eq!(wakes.next().await.unwrap().subject, hint);
    }
}
