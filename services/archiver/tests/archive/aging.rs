//! Commands grow old in the broker, and are archived before.

use std::time::Duration;

use archiver::{Config, Extent};
use bytes::Bytes;
use eventlog::streams::{self, StreamsFile};
use eventlog::{EventLog, Follow};
use runtime::Span;
use schemas::subjects::{AREA_COMMANDS, Sender, area_command};
use schemas::{EdgeId, Sequence};
use tokio::time::interval;

use crate::stage::{Stage, area, within};

/// How many commands grow old.
const SENT: u64 = 100;

/// As `nats/streams.toml`, but for commands' age.
async fn age(log: &EventLog) {
    let file = include_str!("../../../../nats/streams.toml");
    let file = file.replace("max_age = \"7d\"", "max_age = \"1s\"");
    let file = file.replace("duplicate_window = \"20s\"", "duplicate_window = \"1s\"");
    let file = StreamsFile::parse(&file).expect("the streams");
    streams::apply(log, &file).await.expect("streams");
}

/// Sends the commands `from` to `to`.
async fn send(log: &EventLog, from: u64, to: u64) {
    let subject = area_command(&area("harbor-1"), &Sender::Edge(EdgeId(1)));
    for number in from..=to {
        let payload = Bytes::from(format!("command {number}"));
        let stored = log.send(&subject, payload, None).await;
        assert_eq!(stored.expect("a command"), Sequence(number));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_that_have_aged_out_are_in_the_archive() {
    within(async {
        // Little is waiting: only its age makes a segment of it.
        let mut stage = Stage::new(Config {
            seal_after: Span::from_secs(1),
            ..Config::default()
        })
        .await;
        send(&stage.log, 1, SENT).await;
        let mut beat = interval(Duration::from_millis(100));
        loop {
            beat.tick().await;
            stage.round(Extent::Due).await;
            let manifest = stage.archive.manifest(AREA_COMMANDS).await;
            let manifest = manifest.expect("an archive");
            if manifest.is_some_and(|manifest| manifest.end() == Sequence(SENT)) {
                break;
            }
        }
        // Now they grow too old, and go.
        age(&stage.log).await;
        loop {
            let info = stage.log.stream_info(AREA_COMMANDS).await;
            if info.expect("the stream").messages == 0 {
                break;
            }
            beat.tick().await;
        }
        let past = stage.past();
        let mut reader = past.read(AREA_COMMANDS, Vec::new(), Sequence(0), Follow::UntilHead);
        for number in 1..=SENT {
            let record = reader.next().await.expect("a command");
            let record = record.expect("none is missing");
            assert_eq!(record.sequence, Sequence(number));
            assert_eq!(record.payload, format!("command {number}"));
        }
        assert_eq!(reader.next().await.expect("the end"), None);
        // The archive goes on after what has aged.
        send(&stage.log, SENT + 1, SENT + 1).await;
        let stored = stage.round(Extent::All).await.stored;
        assert!(
            stored
                .iter()
                .all(|(_, one)| one.first == Sequence(SENT + 1))
        );
    })
    .await;
}
