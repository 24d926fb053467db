//! A log that is not the one we knew, on a real broker: cut, taken back to an older day, or with its newest frame removed
//! by hand. Whoever holds a position is told, in a sentence; nobody goes on from a guess.

use std::path::Path;

use devstack::test::TestBroker;
use eventlog::streams::{self, StreamsFile};
use eventlog::{
    AppendError, Connect, EventLog, Follow, Position, PositionError, ReadError, Record,
};
use schemas::Sequence;
use serde_json::json;

use crate::subject::{FOREST, HARBOR, Subject, append_all, frame, numbered, within};

const EVENTS: &str = "AREA_EVENTS";

async fn begun() -> (EventLog, TestBroker) {
    let mut subject = Subject::real().await;
    (subject.log, subject.broker.take().unwrap())
}

async fn position(log: &EventLog, record: &Record) -> Position {
    record.position(log.stream_info(EVENTS).await.unwrap().incarnation)
}

/// Takes the store as it is on the disk, or puts it back.
fn copy(from: &Path, to: &Path) {
    if to.exists() {
        std::fs::remove_dir_all(to).unwrap();
    }
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// An older backup of the files, put back without a word: nothing in the broker says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_an_older_day_is_noticed_by_whoever_knows_more() {
    within(async {
        let (log, mut broker) = begun().await;
        let mut appender = log.appender(HARBOR).await.unwrap();
        append_all(&log, FOREST, numbered(2)).await;
        appender.append(frame("kept"), None).await.unwrap();
        let known = position(&log, appender.last().unwrap()).await;
        broker.stop().await.unwrap();
        let store = broker.store_dir().join("nats/jetstream");
        let backup = broker.store_dir().join("backup");
        copy(&store, &backup);
        broker.restart().await.unwrap();

        appender.append(frame("forgotten"), None).await.unwrap();
        let forgotten = position(&log, appender.last().unwrap()).await;
        let filters = vec![HARBOR.to_owned()];
        let mut reader = log.read(EVENTS, filters, Sequence(0), Follow::Tail);
        let mut live = log.live(HARBOR, Sequence(0)).await.unwrap();
        for _ in 0..2 {
            reader.next().await.unwrap();
            live.next().await.unwrap();
        }
        broker.stop().await.unwrap();
        copy(&backup, &store);
        broker.restart().await.unwrap();

        // Stored positions: those of the older day still hold.
        log.check_subject(HARBOR, &known).await.unwrap();
        let refused = log.check_position(EVENTS, &forgotten).await.unwrap_err();
        assert!(
            matches!(&refused, PositionError::BehindPosition { .. }),
            "{refused}"
        );
        assert!(
            refused
                .to_string()
                .contains("ends at 3, before the stored position 4"),
            "{refused}"
        );
        // A running owner.
        let refused = appender
            .append(frame("on top of it"), None)
            .await
            .unwrap_err();
        assert!(
            matches!(
                refused,
                AppendError::Gone {
                    known: Sequence(4),
                    last: Sequence(3),
                    ..
                }
            ),
            "{refused:?}"
        );
        let again = appender.append(frame("again"), None).await;
        assert!(matches!(again, Err(AppendError::Gone { .. })), "{again:?}");
        // Followers and readers that have handed out more.
        let gone = |outcome: Result<(), ReadError>| {
            matches!(
                outcome,
                Err(ReadError::Gone {
                    wanted: Sequence(4),
                    ..
                })
            )
        };
        assert!(gone(live.next().await.map(drop)));
        assert!(gone(reader.next().await.map(drop)));
    })
    .await;
}

/// Removes everything of a subject through `last`, as no tool of ours does.
async fn purge_by_hand(broker: &TestBroker, subject: &str, last: Sequence) {
    let client = async_nats::connect(broker.url()).await.unwrap();
    let request = json!({ "filter": subject, "seq": last.0 + 1 }).to_string();
    let answer = client.request(format!("$JS.API.STREAM.PURGE.{EVENTS}"), request.into());
    let answer = answer.await.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
    assert!(answer["error"].is_null(), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purged_newest_frame_is_noticed_though_the_stream_goes_on() {
    within(async {
        let (log, broker) = begun().await;
        let mut appender = log.appender(HARBOR).await.unwrap();
        for text in numbered(3) {
            appender.append(frame(&text), None).await.unwrap();
        }
        let newest = position(&log, appender.last().unwrap()).await;
        let mut live = log.live(HARBOR, Sequence(2)).await.unwrap();
        live.next().await.unwrap();
        append_all(&log, FOREST, numbered(2)).await;
        // Below its newest message, a subject may be purged: that is what the archive does.
        purge_by_hand(&broker, HARBOR, Sequence(2)).await;
        log.check_subject(HARBOR, &newest).await.unwrap();

        purge_by_hand(&broker, HARBOR, Sequence(3)).await;
        let refused = log.check_subject(HARBOR, &newest).await.unwrap_err();
        assert!(
            matches!(
                &refused,
                PositionError::SubjectCut {
                    stored: Sequence(3),
                    last: Sequence(0),
                    ..
                }
            ),
            "{refused}"
        );
        assert!(
            refused.to_string().contains("purged or deleted by hand"),
            "{refused}"
        );
        let refused = appender
            .append(frame("on top of it"), None)
            .await
            .unwrap_err();
        assert!(matches!(refused, AppendError::Gone { .. }), "{refused:?}");
        let gone = live.next().await;
        assert!(matches!(gone, Err(ReadError::Gone { .. })), "{gone:?}");
    })
    .await;
}

/// Deleting single messages is denied on our streams; a stream that somebody made without that can lose its newest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_newest_message_is_noticed_and_ours_cannot_be_deleted() {
    within(async {
        let (log, broker) = begun().await;
        append_all(&log, HARBOR, ["ours"]).await;
        let client = async_nats::connect(broker.url()).await.unwrap();
        let js = async_nats::jetstream::new(client);
        let ours = js.get_stream(EVENTS).await.unwrap();
        assert!(ours.delete_message(1).await.is_err(), "our streams deny it");

        let mut config = ours.cached_info().config.clone();
        js.delete_stream(EVENTS).await.unwrap();
        config.deny_delete = false;
        js.create_stream(config).await.unwrap();
        let mut appender = log.appender(HARBOR).await.unwrap();
        for text in numbered(3) {
            appender.append(frame(&text), None).await.unwrap();
        }
        let newest = position(&log, appender.last().unwrap()).await;
        let theirs = js.get_stream(EVENTS).await.unwrap();
        theirs.delete_message(3).await.unwrap();
        let refused = log.check_subject(HARBOR, &newest).await.unwrap_err();
        assert!(
            matches!(
                refused,
                PositionError::SubjectCut {
                    last: Sequence(2),
                    ..
                }
            ),
            "{refused}"
        );
        let refused = appender
            .append(frame("on top of it"), None)
            .await
            .unwrap_err();
        assert!(
            matches!(
                refused,
                AppendError::Gone {
                    known: Sequence(3),
                    last: Sequence(2),
                    ..
                }
            ),
            "{refused:?}"
        );
    })
    .await;
}

/// A broker made anew under the old name, its streams applied: another life.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emptied_store_is_another_life() {
    within(async {
        let (log, mut broker) = begun().await;
        let mut appender = log.appender(HARBOR).await.unwrap();
        appender.append(frame("one"), None).await.unwrap();
        let known = position(&log, appender.last().unwrap()).await;
        broker.stop().await.unwrap();
        std::fs::remove_dir_all(broker.store_dir().join("nats/jetstream")).unwrap();
        broker.restart().await.unwrap();
        let log = EventLog::connect(&Connect::to(broker.url(), "test"))
            .await
            .unwrap();
        let missing = log.check_position(EVENTS, &known).await.unwrap_err();
        assert!(missing.to_string().contains("streams apply"), "{missing}");
        streams::apply(&log, &StreamsFile::built_in().unwrap())
            .await
            .unwrap();
        append_all(&log, HARBOR, numbered(3)).await;
        let refused = log.check_subject(HARBOR, &known).await.unwrap_err();
        assert!(
            matches!(refused, PositionError::OtherIncarnation { .. }),
            "{refused}"
        );
    })
    .await;
}

/// Whether any file below `dir` holds `needle`.
fn lies_in(dir: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return lies_in(&path, needle);
        }
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_erased_in_a_bucket_lies_on_no_disk() {
    within(async {
        let (log, mut broker) = begun().await;
        let bucket = log.bucket("person_keys").await.unwrap();
        bucket
            .put("kept", frame("a key that stays as it is"))
            .await
            .unwrap();
        bucket
            .put("k", frame("a key that is to be destroyed"))
            .await
            .unwrap();
        bucket
            .put("later", frame("a key that came after it"))
            .await
            .unwrap();
        bucket.erase("k", frame("gone")).await.unwrap();
        broker.stop().await.unwrap();
        let store = broker.store_dir().join("nats");
        assert!(lies_in(&store, b"a key that stays as it is"));
        assert!(lies_in(&store, b"a key that came after it"));
        assert!(!lies_in(&store, b"a key that is to be destroyed"));
    })
    .await;
}
