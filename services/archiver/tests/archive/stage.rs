//! A broker with its streams, an archive, and the words tests are written in.

use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use archiver::{ArchiveCommand, Archiver, Config, Extent, Round, Size};
use bytes::Bytes;
use devstack::test::TestBroker;
use eventlog::streams::StreamsFile;
use eventlog::{Connect, EventLog, Follow, Record, SnapshotPoint, streams};
use past::{Archive, Location, Past, PastReader};
use runtime::{Shutdown, Span};
use schemas::subjects::area_events;
use schemas::{AreaId, Digest, Sequence};

pub(crate) const STREAM: &str = "AREA_EVENTS";
pub(crate) const AREAS: [&str; 3] = ["harbor-1", "forest-1", "meadow-1"];

pub(crate) struct Stage {
    pub(crate) log: EventLog,
    pub(crate) directory: tempfile::TempDir,
    pub(crate) archiver: Archiver,
    pub(crate) archive: Archive,
    pub(crate) broker: TestBroker,
}

/// As small as can be, so that little makes many segments, and everything is old enough to go.
pub(crate) fn small() -> Config {
    Config {
        live_bytes: Size(160 << 10),
        live_age: Span::from_millis(0),
        segment_bytes: Size(32 << 10),
        purge_delay: Span::from_secs(1),
        ..Config::default()
    }
}

impl Stage {
    pub(crate) async fn new(config: Config) -> Self {
        let broker = devstack::test::broker().await.expect("a broker");
        let log = connect(&broker).await;
        let file = StreamsFile::built_in().expect("the built-in streams");
        streams::apply(&log, &file).await.expect("streams");
        let directory = tempfile::tempdir().expect("a directory");
        let location = Location::Directory(directory.path().to_path_buf());
        let archive = Archive::create(&location).expect("an archive");
        Self {
            archiver: Archiver::new(log.clone(), archive.clone(), config),
            log,
            directory,
            archive,
            broker,
        }
    }

    /// Reads both as one, knowing nothing yet.
    pub(crate) fn past(&self) -> Past {
        Past::joined(self.log.clone(), self.opened())
    }

    pub(crate) fn opened(&self) -> Archive {
        let location = Location::Directory(self.directory.path().to_path_buf());
        Archive::open(&location).expect("the archive")
    }

    /// One round, in which nothing fails.
    pub(crate) async fn round(&mut self, extent: Extent) -> Round {
        let round = self.archiver.round(extent, &Shutdown::new()).await;
        assert!(round.failed.is_empty(), "{:?}", round.failed);
        round
    }

    /// The segments' files, in order.
    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        let directory = self.directory.path().join(STREAM).join("segments");
        let files = std::fs::read_dir(directory).expect("segments");
        let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
        files.sort();
        files
    }

    pub(crate) async fn live_bytes(&self) -> u64 {
        let info = self.log.stream_info(STREAM).await;
        info.expect("the stream").bytes
    }
}

pub(crate) async fn connect(broker: &TestBroker) -> EventLog {
    let options = Connect::to(broker.url(), "test");
    EventLog::connect(&options).await.expect("a connection")
}

/// How a tool ends that is asked of the stage's archive, and what it says.
pub(crate) async fn told(stage: &Stage, command: ArchiveCommand) -> (u8, String) {
    let place = stage.directory.path().display().to_string();
    told_of(stage, place, command).await
}

/// … of the archive at `place`.
pub(crate) async fn told_of(stage: &Stage, place: String, command: ArchiveCommand) -> (u8, String) {
    let config = Config {
        place: Some(place),
        ..small()
    };
    let log = || async { Ok(stage.log.clone()) };
    let mut out = Vec::new();
    let ended = archiver::tool(command, config, log, &mut out).await;
    let code = ended.unwrap_or_else(|error| panic!("{error:#}"));
    // A code says nothing of itself.
    let mut codes = 0..=u8::MAX;
    let code = codes.find(|one| ExitCode::from(*one) == code);
    let text = String::from_utf8(out).expect("a text");
    (code.expect("a code"), text)
}

/// A test that waits for what never comes fails instead of hanging.
pub(crate) async fn within(test: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(100), Box::pin(test))
        .await
        .expect("the test did not end in time");
}

pub(crate) fn area(name: &str) -> AreaId {
    name.parse().expect("an area")
}

/// The bytes of the frame `number` of an area: for these tests, any; of some length, and hard to compress.
pub(crate) fn frame(name: &str, number: u64) -> Bytes {
    let noise = (0..12).flat_map(|n| Digest::of(format!("{name} {number} {n}").as_bytes()).0);
    let mut bytes = format!("{name} {number} ").into_bytes();
    bytes.extend(noise);
    bytes.into()
}

/// Appends `count` frames to each area in turn, numbered on from `from`.
pub(crate) async fn play(log: &EventLog, from: u64, count: u64) {
    let mut pens = Vec::new();
    for name in AREAS {
        let pen = log.appender(&area_events(&area(name))).await;
        pens.push((name, pen.expect("a pen")));
    }
    for number in from..from + count {
        for (name, pen) in &mut pens {
            let appended = pen.append(frame(name, number), None).await;
            appended.expect("an append");
        }
    }
}

/// Plays so many frames on, which can be purged then: an area keeps what comes after the older of its two snapshots.
pub(crate) async fn play_and_save(log: &EventLog, from: u64, count: u64) {
    play(log, from, count).await;
    snapshots(log).await;
    play(log, from + count, 10).await;
    snapshots(log).await;
}

/// Takes a snapshot of every area after its newest frame.
pub(crate) async fn snapshots(log: &EventLog) {
    let info = log.stream_info(STREAM).await.expect("the stream");
    for name in AREAS {
        let area = area(name);
        let last = log.last(&area_events(&area)).await.expect("an answer");
        let last = last.expect("a frame");
        let point = SnapshotPoint {
            incarnation: info.incarnation,
            sequence: last.sequence,
            digest: Digest::of(&last.payload),
        };
        let state = Bytes::from_static(b"state");
        let saved = log.snapshots().save(&area, point, state).await;
        saved.expect("a snapshot");
    }
}

/// Everything that a reader hands out up to its end.
pub(crate) async fn rest(reader: &mut PastReader) -> Vec<Record> {
    let mut records = Vec::new();
    while let Some(record) = reader.next().await.expect("a message") {
        records.push(record);
    }
    records
}

/// All of the stream, or what of it is on `filters`.
pub(crate) async fn all(past: &Past, filters: &[&str]) -> Vec<Record> {
    let filters = filters.iter().map(|one| (*one).to_owned()).collect();
    rest(&mut past.read(STREAM, filters, Sequence(0), Follow::UntilHead)).await
}

/// What the broker holds.
pub(crate) async fn held(log: &EventLog) -> Vec<Record> {
    let mut reader = log.read(STREAM, Vec::new(), Sequence(0), Follow::UntilHead);
    let mut records = Vec::new();
    while let Some(record) = reader.next().await.expect("a message") {
        records.push(record);
    }
    records
}

/// Those of an area.
pub(crate) fn of(records: &[Record], name: &str) -> Vec<Record> {
    let subject = area_events(&area(name));
    let mine = records.iter().filter(|one| one.subject == subject);
    mine.cloned().collect()
}
