//! What only a real server can do: die.

use std::time::Duration;

use eventlog::{AppendError, Connect, ConnectError, EventLog, Follow, ReadError, SendError};
use schemas::Sequence;

use crate::subject::{HARBOR, Subject, append_all, frame, numbered, text, whole, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_append_is_there_after_the_broker_was_killed() {
    within(async {
        let mut subject = Subject::real().await;
        let mut broker = subject.broker.take().unwrap();
        let log = subject.log.clone();
        let wanted = numbered(600);
        let writing = tokio::spawn({
            let wanted = wanted.clone();
            async move {
                let mut appender = log.appender(HARBOR).await.unwrap();
                for text in wanted {
                    let mut outcome = appender.append(frame(&text), None).await.map(Some);
                    while matches!(outcome, Err(AppendError::Unavailable { .. })) {
                        outcome = appender.resume().await;
                    }
                    outcome.unwrap();
                }
            }
        });
        let mut live = subject.log.live(HARBOR, Sequence(0)).await.unwrap();
        let filters = vec![HARBOR.to_owned()];
        let mut reader = subject
            .log
            .read("AREA_EVENTS", filters, Sequence(0), Follow::Tail);
        let mut kills = 0;
        for expected in &wanted {
            let record = loop {
                // An outage longer than the reader's patience is told, and then it goes on.
                if let Ok(record) = live.next().await {
                    break record;
                }
            };
            assert_eq!(&text(&record), expected);
            if record.sequence.0 % 200 == 100 {
                broker.kill().unwrap();
                broker.restart().await.unwrap();
                kills += 1;
            }
        }
        assert_eq!(kills, 3);
        writing.await.unwrap();
        for expected in &wanted {
            let record = loop {
                if let Ok(Some(record)) = reader.next().await {
                    break record;
                }
            };
            assert_eq!(&text(&record), expected);
        }
        assert_eq!(whole(&subject.log, HARBOR).await, wanted);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_broker_delays_an_append_and_stores_it_once() {
    within(async {
        let mut subject = Subject::real().await;
        let mut broker = subject.broker.take().unwrap();
        append_all(&subject.log, HARBOR, ["one"]).await;
        let mut appender = subject.log.appender(HARBOR).await.unwrap();
        broker.pause().unwrap();
        let append = tokio::spawn(async move { appender.append(frame("two"), None).await });
        // Longer than one attempt: at least one copy more is on its way when it wakes.
        tokio::time::sleep(Duration::from_millis(2500)).await;
        broker.resume().unwrap();
        append.await.unwrap().unwrap();
        assert_eq!(whole(&subject.log, HARBOR).await, ["one", "two"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_is_told_what_it_may_not_do() {
    within(async {
        let broker = devstack::test::broker_with_users().await.unwrap();
        let connect = |role: &str| {
            let credential = broker.users().unwrap().credential(role).unwrap();
            let options = Connect::to(broker.url(), role);
            options.as_user(credential.user, credential.password)
        };
        let admin = EventLog::connect(&connect("admin")).await.unwrap();
        let file = eventlog::streams::StreamsFile::built_in().unwrap();
        eventlog::streams::apply(&admin, &file).await.unwrap();

        let worker = EventLog::connect(&connect("worker")).await.unwrap();
        append_all(&worker, HARBOR, ["one"]).await;
        let edge = EventLog::connect(&connect("edge")).await.unwrap();
        edge.send("cmd.area.harbor-1.edge.e1", frame("hello"), None)
            .await
            .unwrap();
        let mut live = edge.live(HARBOR, Sequence(0)).await.unwrap();
        assert_eq!(text(&live.next().await.unwrap()), "one");
        let mut appender = edge.appender(HARBOR).await.unwrap();
        let denied = appender.append(frame("forged"), None).await;
        assert!(
            matches!(denied, Err(AppendError::Denied { .. })),
            "{denied:?}"
        );
        let denied = edge.send("evt.area.forest-1", frame("forged"), None).await;
        assert!(
            matches!(denied, Err(SendError::Denied { .. })),
            "{denied:?}"
        );
        // The refusal is told at once, or it ends the subscription.
        if let Ok(mut listening) = edge.subscribe_core("cmd.>").await {
            assert_eq!(listening.next().await, None, "edges hear no commands");
        }

        let wrong = connect("edge").as_user("edge", "wrong");
        let refused = EventLog::connect(&wrong).await;
        assert!(matches!(refused, Err(ConnectError::Refused { .. })));
    })
    .await;
}

#[tokio::test]
async fn an_address_where_nobody_answers_is_named() {
    within(async {
        let nobody = Connect::to("nats://127.0.0.1:1", "test");
        let error = EventLog::connect(&nobody).await.err().unwrap();
        let sentence = error.to_string();
        assert!(
            sentence.contains("no broker answers at nats://127.0.0.1:1"),
            "{sentence}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_lost_what_was_read_is_an_error_and_not_a_silence() {
    within(async {
        let subject = Subject::real().await;
        let before = append_all(&subject.log, HARBOR, numbered(3)).await;
        let filters = vec![HARBOR.to_owned()];
        let mut reader = subject
            .log
            .read("AREA_EVENTS", filters, Sequence(0), Follow::Tail);
        let mut live = subject.log.live(HARBOR, Sequence(0)).await.unwrap();
        for _ in 0..3 {
            reader.next().await.unwrap();
            live.next().await.unwrap();
        }
        // What a restore from an older backup looks like, by hand.
        let url = subject.broker.as_ref().unwrap().url();
        let by_hand = async_nats::jetstream::new(async_nats::connect(url).await.unwrap());
        by_hand.delete_stream("AREA_EVENTS").await.unwrap();
        let file = eventlog::streams::StreamsFile::built_in().unwrap();
        eventlog::streams::apply(&subject.log, &file).await.unwrap();
        append_all(&subject.log, HARBOR, ["another life"]).await;
        let gone = |outcome: Result<_, ReadError>| match outcome {
            Err(ReadError::Gone { wanted, .. }) => Some(wanted),
            // Seen in the moment in which there was none.
            Err(ReadError::NoStream { .. }) => None,
            other => panic!("{other:?}"),
        };
        let read = async {
            loop {
                if let Some(wanted) = gone(reader.next().await.map(Option::unwrap)) {
                    return wanted;
                }
            }
        };
        let followed = async {
            loop {
                if let Some(wanted) = gone(live.next().await) {
                    return wanted;
                }
            }
        };
        assert_eq!(tokio::join!(read, followed), (before, before));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_appender_of_a_former_life_is_told_that_it_is_over() {
    within(async {
        let subject = Subject::real().await;
        let mut former = subject.log.appender(HARBOR).await.unwrap();
        former.append(frame("one"), None).await.unwrap();
        former.append(frame("two"), None).await.unwrap();
        let url = subject.broker.as_ref().unwrap().url();
        let by_hand = async_nats::jetstream::new(async_nats::connect(url).await.unwrap());
        by_hand.delete_stream("AREA_EVENTS").await.unwrap();
        let file = eventlog::streams::StreamsFile::built_in().unwrap();
        eventlog::streams::apply(&subject.log, &file).await.unwrap();
        let refused = former.append(frame("three"), None).await;
        assert!(
            matches!(refused, Err(AppendError::Gone { .. })),
            "{refused:?}"
        );
    })
    .await;
}
