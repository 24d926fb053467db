//! Ordered reading.

use std::time::Duration;

use eventlog::{Follow, PositionError, ReadError, StreamInfo};
use schemas::{Digest, Incarnation, Sequence, UnixMillis};
use tokio::time::timeout;

use crate::subject::{FOREST, HARBOR, Subject, append_all, frame, numbered, of_both, text, whole};

of_both!(
    a_reader_goes_on_over_silence_and_disturbance,
    a_wildcard_reads_the_whole_stream_in_order,
    reading_begins_at_a_time,
    try_next_never_waits_and_misses_nothing,
    an_empty_subject_has_its_head_at_once,
    a_large_history_is_read_in_batches,
    positions_are_compared_before_use,
    what_is_not_there_is_named,
    purging_never_takes_the_newest,
);

async fn a_reader_goes_on_over_silence_and_disturbance(subject: Subject) {
    let mut reader = subject.log.read(
        "AREA_EVENTS",
        vec![HARBOR.into()],
        Sequence(0),
        Follow::Tail,
    );
    for round in 0..6 {
        match round % 3 {
            1 => subject.faults.silence_readers(),
            2 => subject.faults.disconnect().await,
            _ => {}
        }
        append_all(
            &subject.log,
            HARBOR,
            [format!("{round}a"), format!("{round}b")],
        )
        .await;
        for part in ["a", "b"] {
            let record = reader.next().await.unwrap().unwrap();
            assert_eq!(text(&record), format!("{round}{part}"));
        }
    }
}

async fn a_wildcard_reads_the_whole_stream_in_order(subject: Subject) {
    append_all(&subject.log, HARBOR, ["h1", "h2"]).await;
    append_all(&subject.log, FOREST, ["f1"]).await;
    append_all(&subject.log, HARBOR, ["h3"]).await;
    for filters in [
        vec![],
        vec!["evt.>".to_owned()],
        vec![HARBOR.into(), FOREST.into()],
    ] {
        let mut reader = subject
            .log
            .read("AREA_EVENTS", filters, Sequence(1), Follow::UntilHead);
        let batch = reader.next_batch(10).await.unwrap();
        let mut texts: Vec<String> = batch.iter().map(text).collect();
        while let Some(record) = reader.next().await.unwrap() {
            texts.push(text(&record));
        }
        assert_eq!(texts, ["h2", "f1", "h3"]);
    }
    assert_eq!(
        subject
            .log
            .subjects("AREA_EVENTS", "evt.area.*")
            .await
            .unwrap(),
        [(FOREST.to_owned(), 1), (HARBOR.to_owned(), 3)]
    );
}

async fn reading_begins_at_a_time(subject: Subject) {
    append_all(&subject.log, HARBOR, ["before"]).await;
    let before = subject.log.last(HARBOR).await.unwrap().unwrap().stored_at;
    while UnixMillis::now() <= UnixMillis(before.0 + 5) {
        tokio::task::yield_now().await;
    }
    let from = UnixMillis(before.0 + 3);
    append_all(&subject.log, HARBOR, ["after 1", "after 2"]).await;
    let read = |from| {
        let filters = vec![HARBOR.to_owned()];
        subject
            .log
            .read_from_time("AREA_EVENTS", filters, from, Follow::UntilHead)
    };
    let mut reader = read(from);
    assert_eq!(text(&reader.next().await.unwrap().unwrap()), "after 1");
    assert_eq!(text(&reader.next().await.unwrap().unwrap()), "after 2");
    assert_eq!(reader.next().await.unwrap(), None);
    let mut reader = read(UnixMillis(before.0 + 3_600_000));
    assert_eq!(reader.next().await.unwrap(), None, "nothing is that late");
}

async fn try_next_never_waits_and_misses_nothing(subject: Subject) {
    let filters = vec!["cmd.area.harbor-1.>".to_owned()];
    let mut reader = subject
        .log
        .read("AREA_COMMANDS", filters, Sequence(0), Follow::Tail);
    assert!(reader.try_next().is_none());
    let wanted = numbered(50);
    let sending = async {
        for text in &wanted {
            let subject_of = format!("cmd.area.harbor-1.{}", text.replace(' ', "-"));
            subject
                .log
                .send(&subject_of, frame(text), None)
                .await
                .unwrap();
        }
    };
    let ticking = async {
        let mut seen = Vec::new();
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        while seen.len() < wanted.len() {
            tick.tick().await;
            while let Some(record) = reader.try_next() {
                seen.push(text(&record));
            }
        }
        seen
    };
    let ((), seen) = tokio::join!(sending, ticking);
    assert_eq!(seen, wanted);
    assert_eq!(reader.position(), Sequence(50));
}

async fn an_empty_subject_has_its_head_at_once(subject: Subject) {
    assert!(whole(&subject.log, HARBOR).await.is_empty());
    let end = append_all(&subject.log, HARBOR, ["one"]).await;
    let mut reader = subject
        .log
        .read("AREA_EVENTS", vec![HARBOR.into()], end, Follow::UntilHead);
    assert_eq!(reader.next().await.unwrap(), None);
    assert_eq!(reader.next().await.unwrap(), None, "and stays there");
}

async fn a_large_history_is_read_in_batches(subject: Subject) {
    let wanted = numbered(1500);
    append_all(&subject.log, HARBOR, &wanted).await;
    assert_eq!(whole(&subject.log, HARBOR).await, wanted);
}

async fn positions_are_compared_before_use(subject: Subject) {
    append_all(&subject.log, HARBOR, ["one", "two"]).await;
    let log = &subject.log;
    let info = log.stream_info("AREA_EVENTS").await.unwrap();
    assert_eq!(
        (info.first, info.last, info.messages),
        (Sequence(1), Sequence(2), 2)
    );
    let last = log.last(HARBOR).await.unwrap().unwrap();
    let position = last.position(info.incarnation);
    let checked = log.check_position("AREA_EVENTS", &position).await.unwrap();
    assert_eq!(
        checked,
        StreamInfo {
            told_at: checked.told_at,
            ..info
        }
    );

    let mut other = position;
    other.incarnation = Incarnation(info.incarnation.0 ^ 1);
    let refused = log.check_position("AREA_EVENTS", &other).await;
    assert!(matches!(
        refused,
        Err(PositionError::OtherIncarnation { .. })
    ));
    let mut other = position;
    other.sequence = Sequence(3);
    let refused = log.check_position("AREA_EVENTS", &other).await;
    assert!(matches!(refused, Err(PositionError::BehindPosition { .. })));
    let mut other = position;
    other.digest = Digest::of(b"another");
    let refused = log.check_position("AREA_EVENTS", &other).await;
    assert!(matches!(refused, Err(PositionError::OtherMessage { .. })));

    eventlog::streams::renew_incarnation(log, "AREA_EVENTS")
        .await
        .unwrap();
    let refused = log.check_position("AREA_EVENTS", &position).await;
    assert!(matches!(
        refused,
        Err(PositionError::OtherIncarnation { .. })
    ));
}

async fn what_is_not_there_is_named(subject: Subject) {
    let missing = subject.log.stream_info("NOTHING").await;
    assert!(
        matches!(missing, Err(ReadError::NoStream { .. })),
        "{missing:?}"
    );
    let missing = subject.log.bucket("nothing").await;
    assert!(matches!(missing, Err(ReadError::NoStream { .. })));
    let mut reader = subject
        .log
        .read("NOTHING", vec![], Sequence(0), Follow::UntilHead);
    let missing = timeout(Duration::from_secs(5), reader.next())
        .await
        .unwrap();
    assert!(
        matches!(missing, Err(ReadError::NoStream { .. })),
        "{missing:?}"
    );
    assert_eq!(
        subject.log.get("AREA_EVENTS", Sequence(7)).await.unwrap(),
        None
    );
    assert!(subject.log.last("nonsense").await.is_err());
}

async fn purging_never_takes_the_newest(subject: Subject) {
    append_all(&subject.log, HARBOR, numbered(20)).await;
    append_all(&subject.log, FOREST, ["stays"]).await;
    let log = &subject.log;
    let purged = log.purge("AREA_EVENTS", HARBOR, Sequence(5)).await.unwrap();
    assert_eq!(purged.messages, 5);
    assert_eq!(whole(log, HARBOR).await, numbered(20)[5..]);
    let purged = log
        .purge("AREA_EVENTS", HARBOR, Sequence(1000))
        .await
        .unwrap();
    assert_eq!(purged.messages, 14, "all but the newest");
    assert_eq!(whole(log, HARBOR).await, ["frame 20"]);
    assert_eq!(whole(log, FOREST).await, ["stays"]);
    assert!(
        log.purge("AREA_EVENTS", "evt.area.*", Sequence(9))
            .await
            .is_err()
    );
    // The fence stands where it stood.
    let mut appender = log.appender(HARBOR).await.unwrap();
    assert_eq!(appender.sequence(), Sequence(20));
    appender.append(frame("frame 21"), None).await.unwrap();
}
