//! What only a real server can do: die.

use std::time::Duration;

use eventlog::{AppendError, Connect, ConnectError, EventLog, Follow, SendError};
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
        edge.send("cmd.area.harbor-1.e1", frame("hello"), None)
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
        let denied = edge.subscribe_core("cmd.>").await;
        assert!(denied.is_err(), "an edge may not listen to commands");

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
