//! Derived streams: in order, each message once, whatever happens between.

use std::time::Duration;

use bytes::Bytes;
use eventlog::{EventLog, FeedError, FeedMessage, Follow, MessageId};
use schemas::Sequence;
use schemas::subjects::FACTS;

use crate::subject::{Subject, of_both};

fn message(n: u64) -> FeedMessage {
    FeedMessage {
        subject: format!("fact.counted.harbor-1.{n}"),
        payload: Bytes::from(n.to_string()),
        id: MessageId::new(format!("counting:{n}")),
    }
}

fn messages(numbers: std::ops::Range<u64>) -> Vec<FeedMessage> {
    numbers.map(message).collect()
}

/// What the stream holds, as numbers.
async fn held(log: &EventLog) -> Vec<u64> {
    let mut reader = log.read(FACTS, Vec::new(), Sequence(0), Follow::UntilHead);
    let mut all = Vec::new();
    while let Some(record) = reader.next().await.unwrap() {
        let text = std::str::from_utf8(&record.payload).unwrap();
        assert_eq!(record.subject, format!("fact.counted.harbor-1.{text}"));
        all.push(text.parse().unwrap());
    }
    all
}

/// Goes on from what the stream says, until all is in it; how often it had to begin again.
async fn count_to(log: &EventLog, end: u64) -> u32 {
    let mut begun = 0;
    loop {
        let mut feed = log.feed(FACTS).await.unwrap();
        let next = feed
            .note()
            .map_or(0, |note| note.parse::<u64>().unwrap() + 1);
        match feed
            .publish(&messages(next..end), &(end - 1).to_string())
            .await
        {
            Ok(()) => return begun,
            Err(FeedError::Unavailable { .. } | FeedError::Overtaken { .. }) => begun += 1,
            Err(error) => panic!("{error}"),
        }
    }
}

async fn the_last_message_says_how_far_its_writer_came(on: Subject) {
    let mut feed = on.log.feed(FACTS).await.unwrap();
    assert_eq!((feed.last(), feed.note()), (Sequence(0), None));
    feed.publish(&messages(0..599), "598").await.unwrap();
    feed.publish(&messages(599..600), "599").await.unwrap();
    feed.publish(&[], "nothing").await.unwrap();
    assert_eq!((feed.last(), feed.note()), (Sequence(600), Some("599")));
    let again = on.log.feed(FACTS).await.unwrap();
    assert_eq!((again.last(), again.note()), (Sequence(600), Some("599")));
    let info = on.log.stream_info(FACTS).await.unwrap();
    assert_eq!(again.incarnation(), info.incarnation);
    assert_eq!(held(&on.log).await, (0..600).collect::<Vec<_>>());
}

async fn of_two_writers_one_is_refused_whole(on: Subject) {
    let mut first = on.log.feed(FACTS).await.unwrap();
    let mut second = on.log.feed(FACTS).await.unwrap();
    first.publish(&messages(0..10), "9").await.unwrap();
    // Among them is one that would stand where it expects to.
    let refused = second.publish(&messages(100..400), "399").await;
    assert!(
        matches!(refused, Err(FeedError::Overtaken { .. })),
        "{refused:?}"
    );
    first.publish(&messages(10..20), "19").await.unwrap();
    assert_eq!(held(&on.log).await, (0..20).collect::<Vec<_>>());
}

async fn what_is_lost_on_the_way_is_neither_missing_nor_doubled(on: Subject) {
    let mut begun = 0;
    for end in 1..=12 {
        if end % 2 == 0 {
            on.faults.lose_acks(3);
        } else {
            on.faults.lose_messages(2);
        }
        begun += count_to(&on.log, end * 50).await;
    }
    assert!(begun > 0, "nothing went wrong");
    assert_eq!(held(&on.log).await, (0..600).collect::<Vec<_>>());
}

async fn a_silent_broker_is_told_of_in_time(on: Subject) {
    on.faults.no_responders(Duration::from_secs(60));
    let mut feed = on.log.feed(FACTS).await.unwrap();
    let refused = feed.publish(&messages(0..10), "9").await;
    assert!(
        matches!(refused, Err(FeedError::Unavailable { .. })),
        "{refused:?}"
    );
}

of_both!(
    the_last_message_says_how_far_its_writer_came,
    of_two_writers_one_is_refused_whole,
    what_is_lost_on_the_way_is_neither_missing_nor_doubled,
    a_silent_broker_is_told_of_in_time,
);
