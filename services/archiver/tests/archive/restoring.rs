//! An archive belongs to a chain of lives: what a restore has lost is no longer this world's past.

use archiver::Extent;
use eventlog::EventLog;
use eventlog::backup::{self, Decoder, Download, Encoder, Item, Message, Upload, restored_config};
use schemas::Sequence;
use serde_json::json;

use crate::stage::{AREAS, STREAM, Stage, all, frame, of, play, small, snapshots, within};

async fn copied(log: &EventLog) -> Vec<Message> {
    let mut download = Download::begin(log, STREAM).await.unwrap();
    let (mut decoder, mut messages) = (Decoder::default(), Vec::new());
    while let Some(piece) = download.next().await.unwrap() {
        decoder.feed(&piece).unwrap();
        while let Some(item) = decoder.next_item().unwrap() {
            if let Item::Message(message) = item {
                messages.push(message);
            }
        }
    }
    messages
}

/// Puts the copy in the stream's place, as it was at `cut`.
async fn restore(log: &EventLog, copy: &[Message], cut: Sequence) {
    let before = backup::head(log, STREAM).await.unwrap().unwrap();
    backup::remove(log, STREAM).await.unwrap();
    let config = restored_config(&before.config, cut, None, "b1").unwrap();
    let kept: Vec<_> = copy.iter().filter(|one| one.sequence <= cut.0).collect();
    let first = kept.first().unwrap().sequence;
    let mut encoder = Encoder::default();
    encoder.put(&Item::State(json!({
        "messages": kept.len(), "bytes": 0, "first_seq": first, "last_seq": cut.0, "consumer_count": 0,
    })));
    for message in kept {
        encoder.put(&Item::Message(message.clone()));
    }
    encoder.put(&Item::End);
    let upload = Upload::begin(log, &config).await.unwrap();
    upload.send(encoder.take()).await.unwrap();
    upload.finish().await.unwrap();
    backup::finish(log, STREAM).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restore_the_archive_goes_on_from_the_cut() {
    within(async {
        let mut stage = Stage::new(small()).await;
        let log = stage.log.clone();
        play(&log, 0, 300).await;
        snapshots(&log).await;
        play(&log, 300, 10).await;
        snapshots(&log).await;
        // The backup is of a broker that was purged; afterwards more is played, and archived, and then lost.
        assert!(stage.round(Extent::All).await.purged > 0);
        let copy = copied(&log).await;
        assert!(copy.len() < 600, "{}", copy.len());
        play(&log, 310, 40).await;
        stage.round(Extent::All).await;
        let cut = Sequence(930);
        restore(&log, &copy, cut).await;

        // Before anything else is archived: what was lost is not read, though it lies in the archive.
        let past = stage.past();
        let records = all(&past, &[]).await;
        assert_eq!(
            (records.len(), records.last().unwrap().sequence),
            (930, cut)
        );
        assert_eq!(past.span(STREAM).await.unwrap().last, cut);
        assert_eq!(past.get(STREAM, Sequence(931)).await.unwrap(), None);

        // The world goes on otherwise, under the same numbers, and is archived.
        play(&log, 5000, 100).await;
        stage.round(Extent::All).await;
        let past = stage.past();
        let records = all(&past, &[]).await;
        assert_eq!(records.len(), 1230);
        for name in AREAS {
            let numbers = (0..310).chain(5000..5100);
            let wanted: Vec<_> = numbers.map(|number| frame(name, number)).collect();
            let found: Vec<_> = of(&records, name)
                .into_iter()
                .map(|one| one.payload)
                .collect();
            assert_eq!(found, wanted, "{name}");
        }
        let alone = past::Past::of_archive(stage.opened());
        assert_eq!(all(&alone, &[]).await, records);
        // The archive knows both lives.
        let info = log.stream_info(STREAM).await.unwrap();
        assert_eq!(alone.span(STREAM).await.unwrap().lineage, info.lineage);
    })
    .await;
}
