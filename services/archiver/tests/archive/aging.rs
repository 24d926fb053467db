//! Commands grow old in the broker, and are archived before.

use std::collections::BTreeSet;
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

/// How old commands grow in these tests.
const AGE: Duration = Duration::from_secs(4);
/// How often some are sent.
const BEAT: Duration = Duration::from_millis(100);
/// More than these have grown too old when it is looked at: those of six seconds.
const DROPPED: Sequence = Sequence(300);

/// As `nats/streams.toml`, but for commands' age.
async fn age_soon(log: &EventLog) {
    let file = include_str!("../../../../nats/streams.toml");
    let age = format!("max_age = \"{}s\"", AGE.as_secs());
    let file = file.replace("max_age = \"7d\"", &age);
    let file = file.replace("duplicate_window = \"20s\"", "duplicate_window = \"1s\"");
    let file = StreamsFile::parse(&file).expect("the streams");
    streams::apply(log, &file).await.expect("streams");
}

/// Sends commands and archives what is due, in turn, until the broker has dropped many: they are archived, without a hole.
async fn nothing_is_lost(config: Config) {
    let mut stage = Stage::new(config).await;
    age_soon(&stage.log).await;
    let subject = area_command(&area("harbor-1"), &Sender::Edge(EdgeId(1)));
    let (mut beat, mut sent) = (interval(BEAT), 0_u64);
    let info = loop {
        beat.tick().await;
        for _ in 0..5 {
            sent += 1;
            let payload = Bytes::from(format!("command {sent}"));
            let stored = stage.log.send(&subject, payload, None).await;
            assert_eq!(stored.expect("a command"), Sequence(sent));
        }
        stage.round(Extent::Due).await;
        let info = stage.log.stream_info(AREA_COMMANDS).await;
        let info = info.expect("the stream");
        if info.first > DROPPED {
            break info;
        }
    };
    let past = stage.past();
    let mut reader = past.read(AREA_COMMANDS, Vec::new(), Sequence(0), Follow::UntilHead);
    let mut there = BTreeSet::new();
    while let Some(record) = reader.next().await.expect("a command") {
        assert_eq!(record.payload, format!("command {}", record.sequence));
        there.insert(record.sequence.0);
    }
    let missing: Vec<u64> = (1..=sent).filter(|one| !there.contains(one)).collect();
    assert_eq!(missing, Vec::<u64>::new(), "of {sent}");
    let manifest = stage.archive.manifest(AREA_COMMANDS).await;
    let manifest = manifest
        .expect("an archive")
        .expect("something is archived");
    assert!(
        manifest.end() >= Sequence(info.first.0 + 10),
        "{} of {info:?}",
        manifest.end()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_are_archived_well_before_they_age_out() {
    within(nothing_is_lost(Config {
        seal_after: Span::from_secs(1),
        ..Config::default()
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_streams_age_counts_for_more_than_the_archivers_patience() {
    // Nothing but the age makes a segment: there is little, and an hour would be waited.
    within(nothing_is_lost(Config::default())).await;
}
