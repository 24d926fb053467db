//! The fence.

use std::time::Duration;

use eventlog::{AppendError, Appender};
use schemas::Sequence;
use tokio::time::{sleep, timeout};

use crate::subject::{FOREST, HARBOR, Subject, append_all, frame, numbered, of_both, text, whole};

const LONGER_THAN_A_TEST: Duration = Duration::from_secs(60);

of_both!(
    appends_stand_in_order_behind_their_condition,
    a_foreign_write_fences_the_appender_for_good,
    a_lost_ack_is_recognised_and_nothing_is_stored_twice,
    a_lost_message_is_sent_again,
    in_flight_is_asked_again,
    a_stall_delays_and_loses_nothing,
    nobody_responding_is_waited_out,
    of_two_claimants_with_the_first_ack_lost_exactly_one_wins,
    a_paused_owner_learns_that_it_was_succeeded,
    an_abandoned_append_is_resumed_before_the_next,
    equal_bytes_of_another_do_not_pass_for_ours,
    a_full_stream_and_an_oversized_frame_are_definite,
    stale_reads_do_not_decide_where_an_appender_stands,
    the_trace_context_is_carried,
    whoever_knows_the_last_message_need_not_ask_for_it,
);

async fn appends_stand_in_order_behind_their_condition(subject: Subject) {
    let mut appender = subject.log.appender(HARBOR).await.unwrap();
    assert_eq!(appender.sequence(), Sequence(0));
    assert!(appender.last().is_none());
    let first = appender.append(frame("one"), None).await.unwrap();
    let other = append_all(&subject.log, FOREST, ["elsewhere"]).await;
    let second = appender.append(frame("two"), None).await.unwrap();
    assert!(first < other && other < second);
    let reopened = subject.log.appender(HARBOR).await.unwrap();
    assert_eq!(reopened.sequence(), second);
    assert_eq!(text(reopened.last().unwrap()), "two");
    assert_eq!(whole(&subject.log, HARBOR).await, ["one", "two"]);
}

async fn a_foreign_write_fences_the_appender_for_good(subject: Subject) {
    let mut former = subject.log.appender(HARBOR).await.unwrap();
    former.append(frame("mine"), None).await.unwrap();
    let by = append_all(&subject.log, HARBOR, ["theirs"]).await;
    for _ in 0..2 {
        match former.append(frame("mine again"), None).await {
            Err(AppendError::Fenced { by: found, .. }) => assert_eq!(found, by),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(whole(&subject.log, HARBOR).await, ["mine", "theirs"]);
}

async fn a_lost_ack_is_recognised_and_nothing_is_stored_twice(subject: Subject) {
    let mut appender = subject.log.appender(HARBOR).await.unwrap();
    appender.append(frame("one"), None).await.unwrap();
    subject.faults.lose_acks(1);
    let before = subject.faults.published();
    let sequence = appender.append(frame("two"), Some("00-trace-01")).await;
    assert_eq!(subject.faults.published() - before, 2, "sent again once");
    let last = subject.log.last(HARBOR).await.unwrap().unwrap();
    assert_eq!(last.sequence, sequence.unwrap());
    appender.append(frame("three"), None).await.unwrap();
    assert_eq!(whole(&subject.log, HARBOR).await, ["one", "two", "three"]);
}

async fn a_lost_message_is_sent_again(subject: Subject) {
    subject.faults.lose_messages(2);
    append_all(&subject.log, HARBOR, ["one", "two"]).await;
    assert_eq!(whole(&subject.log, HARBOR).await, ["one", "two"]);
    assert_eq!(subject.faults.published(), 4);
}

async fn in_flight_is_asked_again(subject: Subject) {
    subject.faults.in_flight(3);
    append_all(&subject.log, HARBOR, ["one"]).await;
    assert_eq!(whole(&subject.log, HARBOR).await, ["one"]);
    assert_eq!(subject.faults.published(), 4);
}

async fn a_stall_delays_and_loses_nothing(subject: Subject) {
    let mut appender = subject.log.appender(HARBOR).await.unwrap();
    subject.faults.stall(Duration::from_millis(2600));
    appender.append(frame("one"), None).await.unwrap();
    appender.append(frame("two"), None).await.unwrap();
    assert_eq!(whole(&subject.log, HARBOR).await, ["one", "two"]);
}

async fn nobody_responding_is_waited_out(subject: Subject) {
    let mut appender = subject.log.appender(HARBOR).await.unwrap();
    subject.faults.no_responders(Duration::from_secs(4));
    appender.append(frame("one"), None).await.unwrap();
    assert_eq!(whole(&subject.log, HARBOR).await, ["one"]);
}

async fn of_two_claimants_with_the_first_ack_lost_exactly_one_wins(subject: Subject) {
    append_all(&subject.log, HARBOR, ["epoch 1"]).await;
    for round in 2..12 {
        let mut one = subject.log.appender(HARBOR).await.unwrap();
        let mut other = subject.log.appender(HARBOR).await.unwrap();
        subject.faults.lose_acks(1);
        // The same epoch; only the claims differ, as drawn at random.
        let (a, b) = tokio::join!(
            one.append(frame(&format!("epoch {round}, claim a")), None),
            other.append(frame(&format!("epoch {round}, claim b")), None),
        );
        subject.faults.lose_acks(0);
        let winner = match (&a, &b) {
            (Ok(_), Err(AppendError::Fenced { .. })) => &mut one,
            (Err(AppendError::Fenced { .. }), Ok(_)) => &mut other,
            both => panic!("{both:?}"),
        };
        let last = subject.log.last(HARBOR).await.unwrap().unwrap();
        assert_eq!(Some(&last.payload), winner.last().map(|own| &own.payload));
        assert_eq!(whole(&subject.log, HARBOR).await.len(), round);
    }
}

/// Begins an append and drops it after a moment, before any answer can have come.
async fn abandon(subject: &Subject, appender: &mut Appender, text: &str) {
    subject.faults.stall(LONGER_THAN_A_TEST);
    let append = appender.append(frame(text), None);
    let moment = Duration::from_millis(100);
    assert!(timeout(moment, append).await.is_err(), "it is answered");
    subject.faults.stall(Duration::ZERO);
}

async fn a_paused_owner_learns_that_it_was_succeeded(subject: Subject) {
    let mut paused = subject.log.appender(HARBOR).await.unwrap();
    // Stored, but the owner stops before it hears so.
    abandon(&subject, &mut paused, "epoch 1").await;
    while whole(&subject.log, HARBOR).await != ["epoch 1"] {
        sleep(Duration::from_millis(10)).await;
    }
    append_all(&subject.log, HARBOR, ["epoch 2"]).await;
    let woken = paused.resume().await;
    assert!(
        matches!(woken, Err(AppendError::Fenced { .. })),
        "{woken:?}"
    );
    // What was stored stays; the chain is one.
    assert_eq!(whole(&subject.log, HARBOR).await, ["epoch 1", "epoch 2"]);
}

async fn an_abandoned_append_is_resumed_before_the_next(subject: Subject) {
    let mut appender = subject.log.appender(HARBOR).await.unwrap();
    abandon(&subject, &mut appender, "one").await;
    let next = appender.append(frame("two"), None).await;
    assert!(
        matches!(next, Err(AppendError::Undecided { .. })),
        "{next:?}"
    );
    assert!(appender.resume().await.unwrap().is_some());
    assert!(
        appender.resume().await.unwrap().is_none(),
        "nothing is left"
    );
    appender.append(frame("two"), None).await.unwrap();
    assert_eq!(whole(&subject.log, HARBOR).await, ["one", "two"]);
}

async fn equal_bytes_of_another_do_not_pass_for_ours(subject: Subject) {
    let mut late = subject.log.appender(HARBOR).await.unwrap();
    append_all(&subject.log, HARBOR, ["one", "same bytes"]).await;
    let refused = late.append(frame("same bytes"), None).await;
    assert!(
        matches!(refused, Err(AppendError::Fenced { .. })),
        "{refused:?}"
    );
    assert_eq!(whole(&subject.log, HARBOR).await, ["one", "same bytes"]);
}

async fn a_full_stream_and_an_oversized_frame_are_definite(subject: Subject) {
    let mut appender = subject.log.appender(HARBOR).await.unwrap();
    let huge = appender.append(vec![0; 5_000_000].into(), None).await;
    assert!(matches!(
        huge,
        Err(AppendError::TooLarge {
            size: 5_000_000,
            ..
        })
    ));
    subject.faults.full(true);
    let full = appender.append(frame("one"), None).await;
    assert!(matches!(full, Err(AppendError::Full { .. })), "{full:?}");
    subject.faults.full(false);
    assert!(!appender.is_undecided());
    appender.append(frame("one"), None).await.unwrap();
    assert_eq!(whole(&subject.log, HARBOR).await, ["one"]);
}

async fn stale_reads_do_not_decide_where_an_appender_stands(subject: Subject) {
    let last = append_all(&subject.log, HARBOR, numbered(5)).await;
    subject.faults.stale_reads(true);
    let mut appender = subject.log.appender(HARBOR).await.unwrap();
    assert_eq!(appender.sequence(), last);
    appender.append(frame("six"), None).await.unwrap();
    // A reader that is served from a stale copy does not take its end for the head.
    let reading = whole(&subject.log, HARBOR);
    tokio::pin!(reading);
    assert!(
        timeout(Duration::from_millis(500), &mut reading)
            .await
            .is_err()
    );
    subject.faults.stale_reads(false);
    assert_eq!(reading.await.len(), 6);
}

async fn the_trace_context_is_carried(subject: Subject) {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut appender = subject.log.appender(HARBOR).await.unwrap();
    let mut live = subject.log.live(HARBOR, Sequence(0)).await.unwrap();
    appender.append(frame("one"), Some(trace)).await.unwrap();
    let last = subject.log.last(HARBOR).await.unwrap().unwrap();
    assert_eq!(last.trace.as_deref(), Some(trace));
    assert_eq!(live.next().await.unwrap().trace.as_deref(), Some(trace));
}

async fn whoever_knows_the_last_message_need_not_ask_for_it(subject: Subject) {
    append_all(&subject.log, HARBOR, ["one"]).await;
    let last = subject.log.last(HARBOR).await.unwrap().unwrap();
    let mut first = subject.log.appender_after(last.clone()).unwrap();
    let mut second = subject.log.appender_after(last).unwrap();
    let two = first.append(frame("two"), None).await.unwrap();
    match second.append(frame("not two"), None).await {
        Err(AppendError::Fenced { by, .. }) => assert_eq!(by, two),
        other => panic!("{other:?}"),
    }
    first.append(frame("three"), None).await.unwrap();
    assert_eq!(whole(&subject.log, HARBOR).await, ["one", "two", "three"]);
}
