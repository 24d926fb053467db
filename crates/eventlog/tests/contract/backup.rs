//! Copying streams out of the broker and in again: everything as it was, or nothing.

use bytes::Bytes;
use eventlog::backup::{
    self, BackupError, Cut, Decoder, Download, Durable, Encoder, Head, Item, Message, Upload,
    restored_config,
};
use eventlog::{EventLog, Position, PositionError, Record, WorkOptions};
use schemas::Sequence;
use serde_json::json;

use crate::subject::{HARBOR, Subject, append_all, frame, numbered, whole, within};

const STREAM: &str = "AREA_EVENTS";

async fn download(log: &EventLog, stream: &str) -> Vec<u8> {
    let mut download = Download::begin(log, stream).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = download.next().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    bytes
}

fn items(bytes: &[u8]) -> Result<Vec<Item>, BackupError> {
    let mut decoder = Decoder::default();
    let mut items = Vec::new();
    decoder.feed(bytes)?;
    while let Some(item) = decoder.next_item()? {
        items.push(item);
    }
    decoder.finish()?;
    Ok(items)
}

fn messages(bytes: &[u8]) -> Vec<Message> {
    let items = items(bytes).unwrap().into_iter();
    let message = |item| match item {
        Item::Message(message) => Some(message),
        _ => None,
    };
    items.filter_map(message).collect()
}

async fn head(log: &EventLog, stream: &str) -> Head {
    backup::head(log, stream).await.unwrap().unwrap()
}

/// Puts `kept` of a stream in the place of it, as it was at `cut`.
async fn replace(
    log: &EventLog,
    before: &Head,
    durables: &[Durable],
    kept: &[Message],
    cut: Sequence,
) -> Result<(), BackupError> {
    let stream = before.config["name"].as_str().unwrap();
    backup::remove(log, stream).await?;
    let config = restored_config(&before.config, cut, None, "b1")?;
    let first = kept.first().map_or(cut.0 + 1, |first| first.sequence);
    let mut encoder = Encoder::default();
    encoder.put(&Item::State(json!({
        "messages": kept.len(), "bytes": 0, "first_seq": first, "last_seq": cut.0,
        "consumer_count": durables.len(),
    })));
    for durable in durables {
        encoder.put(&Item::Consumer(durable.restored(cut)));
    }
    for message in kept {
        encoder.put(&Item::Message(message.clone()));
    }
    encoder.put(&Item::End);
    let upload = Upload::begin(log, &config).await?;
    upload.send(encoder.take()).await?;
    upload.finish().await
}

async fn record(log: &EventLog, sequence: u64) -> Record {
    log.get(STREAM, Sequence(sequence)).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_comes_back_as_it_was_at_the_cut_and_knows_its_parent() {
    within(async {
        let subject = Subject::real().await;
        let log = &subject.log;
        append_all(log, HARBOR, &numbered(20)).await;
        append_all(log, "evt.area.mine-1", &numbered(10)).await;
        // A gap at the beginning and one in the middle.
        log.purge(STREAM, HARBOR, Sequence(7)).await.unwrap();
        log.purge(STREAM, "evt.area.mine-1", Sequence(23))
            .await
            .unwrap();
        let info = log.stream_info(STREAM).await.unwrap();
        let at_cut = record(log, 27).await;
        let beyond = record(log, 28).await;
        let before = head(log, STREAM).await;
        let original = messages(&download(log, STREAM).await);
        assert_eq!(original.first().unwrap().sequence, 8);
        assert_eq!(original.len(), 20);

        let cut = Sequence(27);
        let kept: Vec<Message> = original
            .into_iter()
            .filter(|message| message.sequence <= cut.0)
            .collect();
        replace(log, &before, &[], &kept, cut).await.unwrap();

        // Not before the last step.
        let unfinished = log.stream_info(STREAM).await.unwrap_err().to_string();
        assert!(unfinished.contains("has not been finished"), "{unfinished}");
        let file = eventlog::streams::StreamsFile::built_in().unwrap();
        assert!(eventlog::streams::apply(log, &file).await.is_err());
        backup::finish(log, STREAM).await.unwrap();
        eventlog::streams::apply(log, &file).await.unwrap();

        assert_eq!(messages(&download(log, STREAM).await), kept);
        assert_eq!(record(log, 27).await, at_cut);
        let restored = log.stream_info(STREAM).await.unwrap();
        assert_eq!((restored.first, restored.last), (Sequence(8), cut));
        assert_ne!(restored.incarnation, info.incarnation);
        // Positions of the parent are good up to the cut.
        let known = at_cut.position(info.incarnation);
        log.check_position(STREAM, &known).await.unwrap();
        let lost = beyond.position(info.incarnation);
        let refused = log.check_position(STREAM, &lost).await.unwrap_err();
        assert!(
            matches!(refused, PositionError::LostTail { restored_to, .. } if restored_to == cut),
            "{refused}"
        );
        // And the fence stands where it stood.
        let mut appender = log.appender("evt.area.mine-1").await.unwrap();
        assert_eq!(appender.sequence(), cut);
        let next = appender.append(frame("next"), None).await.unwrap();
        assert_eq!(next, Sequence(28));
        let again: Position = Position {
            sequence: next,
            ..record(log, 28).await.position(info.incarnation)
        };
        assert!(log.check_position(STREAM, &again).await.is_err());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_taken_while_others_write() {
    within(async {
        let subject = Subject::real().await;
        let log = subject.log.clone();
        append_all(&log, HARBOR, &numbered(300)).await;
        let before = head(&log, STREAM).await;
        let writing = tokio::spawn({
            let log = log.clone();
            async move {
                let mut appender = log.appender("evt.area.mine-1").await.unwrap();
                for text in numbered(300) {
                    appender.append(frame(&text), None).await.unwrap();
                }
            }
        });
        let copy = messages(&download(&log, STREAM).await);
        writing.await.unwrap();
        // All that was there before the copy was begun, and nothing left out in between.
        assert!(copy.len() as u64 >= before.last.0);
        let in_order = copy.iter().zip(1..);
        assert!(
            in_order
                .into_iter()
                .all(|(message, n)| message.sequence == n)
        );
        assert_eq!(whole(&log, "evt.area.mine-1").await, numbered(300));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_durable_consumer_goes_on_where_its_work_was_done() {
    within(async {
        let subject = Subject::real().await;
        let log = &subject.log;
        let stream = "LOBBY_COMMANDS";
        for n in 0..6_u8 {
            let sent = log.send("cmd.lobby.3.x", Bytes::from(vec![n]), None);
            sent.await.unwrap();
        }
        let options = WorkOptions {
            pinned: false,
            ..WorkOptions::new(stream, "lobby-3", "cmd.lobby.3.>")
        };
        let mut work = log.work(options.clone()).await.unwrap();
        for _ in 0..4 {
            work.next().await.unwrap().done().await.unwrap();
        }
        drop(work);
        let durables = backup::durables(log, stream).await.unwrap();
        let [durable] = durables.as_slice() else {
            panic!("{durables:?}");
        };
        assert_eq!(durable.floor, 4);
        let before = head(log, stream).await;
        let kept = messages(&download(log, stream).await);
        replace(log, &before, &durables, &kept, Sequence(6))
            .await
            .unwrap();
        backup::finish(log, stream).await.unwrap();
        let mut work = log.work(options).await.unwrap();
        for sequence in [5, 6] {
            let job = work.next().await.unwrap();
            assert_eq!(job.record.sequence, Sequence(sequence));
            job.done().await.unwrap();
        }
        let sent = log.send("cmd.lobby.3.x", Bytes::from_static(b"new"), None);
        assert_eq!(sent.await.unwrap(), Sequence(7));
        assert_eq!(work.next().await.unwrap().record.sequence, Sequence(7));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_has_forgotten_all_goes_on_with_its_numbers() {
    within(async {
        let subject = Subject::real().await;
        let log = &subject.log;
        append_all(log, HARBOR, &numbered(30)).await;
        let before = head(log, STREAM).await;
        replace(log, &before, &[], &[], Sequence(27)).await.unwrap();
        backup::finish(log, STREAM).await.unwrap();
        let info = log.stream_info(STREAM).await.unwrap();
        assert_eq!((info.messages, info.last), (0, Sequence(27)));
        let mut appender = log.appender(HARBOR).await.unwrap();
        let next = appender.append(frame("next"), None).await.unwrap();
        assert_eq!(next, Sequence(28));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_archive_makes_no_stream() {
    within(async {
        let subject = Subject::real().await;
        let log = &subject.log;
        append_all(log, HARBOR, &numbered(50)).await;
        let before = head(log, STREAM).await;
        let whole = download(log, STREAM).await;
        let config = restored_config(&before.config, Sequence(50), None, "b1").unwrap();
        // There is one already.
        assert!(Upload::begin(log, &config).await.is_err());
        backup::remove(log, STREAM).await.unwrap();
        let mut turned = whole.clone();
        turned[whole.len() / 2] ^= 1;
        for damaged in [&turned[..], &whole[..whole.len() / 2]] {
            assert!(items(damaged).is_err());
            let upload = Upload::begin(log, &config).await.unwrap();
            upload.send(damaged.to_vec()).await.unwrap();
            let error = upload.finish().await.unwrap_err();
            assert!(matches!(error, BackupError::NotTaken { .. }), "{error}");
            assert!(backup::head(log, STREAM).await.unwrap().is_none());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_twin_in_memory_refuses() {
    let subject = Subject::twin().await;
    let refused = Download::begin(&subject.log, STREAM).await.err();
    assert!(matches!(refused, Some(BackupError::Twin)), "{refused:?}");
    let nothing = eventlog::backup::Causes::default().close(Cut::new());
    assert!(nothing.is_empty());
}
