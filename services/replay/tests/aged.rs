//! Commands grow old in the broker; they are archived before, and so the past is decided again as far back as there are
//! frames, wherever either lies.

mod sample;

use std::time::Duration;

use archiver::{Archiver, Config, Extent, Round, Size};
use devstack::test::TestBroker;
use eventlog::streams::{self, StreamsFile};
use eventlog::{Connect, EventLog, SnapshotPoint};
use past::{Archive, Location, Past, PastError};
use replay::{Answer, Cli, ReplayCommand, ReplayError, VerifyArgs, WhatifArgs};
use runtime::{Shutdown, Span};
use sample::{Realm, area_id, play};
use schemas::subjects::{AREA_COMMANDS, AREA_EVENTS, area_events};
use schemas::{CharacterId, segment::InputBits};
use serde_json::Value;
use tempfile::TempDir;

const AREAS: [&str; 2] = ["forest-1", "harbor-1"];

/// The streams of `nats/streams.toml`, whose commands grow `age` old.
async fn keep_commands(log: &EventLog, age: &str) {
    let file = include_str!("../../../nats/streams.toml");
    let kept = format!("max_age = \"{age}\"");
    let file = file.replace("max_age = \"7d\"", &kept);
    // A broker remembers no id for longer than its message.
    let file = file.replace("duplicate_window = \"20s\"", "duplicate_window = \"1s\"");
    let file = StreamsFile::parse(&file).unwrap();
    streams::apply(log, &file).await.unwrap();
}

/// Lets all commands grow too old for the broker, which then keeps what comes for long.
async fn commands_age_out(log: &EventLog) {
    keep_commands(log, "1s").await;
    let gone = async {
        while log.stream_info(AREA_COMMANDS).await.unwrap().messages > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let gone = tokio::time::timeout(Duration::from_secs(30), gone).await;
    gone.expect("the broker drops what is too old");
    keep_commands(log, "7d").await;
}

/// Each area's snapshot after its newest frame.
async fn snapshots(realm: &Realm) {
    let info = realm.log.stream_info(AREA_EVENTS).await.unwrap();
    for name in AREAS {
        let last = realm.log.last(&area_events(&area_id(name))).await.unwrap();
        let state = realm.state(name);
        let point = SnapshotPoint {
            incarnation: info.incarnation,
            sequence: last.unwrap().sequence,
            digest: state.last_digest(),
        };
        let state = schemas::encode(state).into();
        let snapshots = realm.log.snapshots();
        snapshots.save(&area_id(name), point, state).await.unwrap();
    }
}

/// One round of the archiver; with `purge` it holds the frames in the broker at very little.
async fn round(log: &EventLog, archive: &Archive, extent: Extent, purge: bool) -> Round {
    let purge = purge.then(|| AREA_EVENTS.to_owned());
    let config = Config {
        live_bytes: Size(16 << 10),
        live_age: Span::from_millis(0),
        segment_bytes: Size(4 << 10),
        purge_delay: Span::from_secs(1),
        purge: purge.into_iter().collect(),
        ..Config::default()
    };
    let mut archiver = Archiver::new(log.clone(), archive.clone(), config);
    let round = archiver.round(extent, &Shutdown::new()).await;
    assert!(round.failed.is_empty(), "{:?}", round.failed);
    round
}

async fn asked(past: &Past, command: ReplayCommand) -> Result<(u8, Value), ReplayError> {
    let mut out = Vec::new();
    let code = replay::execute(Cli::new(command), past, None, &mut out).await?;
    Ok((code, serde_json::from_slice(&out).unwrap()))
}

fn decide() -> ReplayCommand {
    ReplayCommand::Verify(VerifyArgs {
        decide: true,
        answer: Answer::json(),
        ..VerifyArgs::default()
    })
}

/// What has been decided again of a log in which nothing is wrong, and how many frames that log has.
async fn decided(past: &Past) -> (Value, u64) {
    let (code, report) = asked(past, decide()).await.unwrap();
    assert_eq!(report["findings"], Value::Array(Vec::new()), "{report:#}");
    assert_eq!(code, 0);
    let frames = report["frames"].as_u64().unwrap();
    (report["decided"].clone(), frames)
}

/// Asserts that all of the frames come out the same, and there are so many.
async fn all_decided(past: &Past) -> u64 {
    let (decided, frames) = decided(past).await;
    assert_eq!(decided["left_out"], Value::Array(Vec::new()));
    assert_eq!(decided["alike"], frames, "{decided:#}");
    frames
}

/// What would have been if nobody could walk so fast, up to a time and from a tick on.
async fn slower(past: &Past, from: Option<&str>, to: Option<u64>) -> (u8, Value) {
    let command = ReplayCommand::Whatif(slower_args(from, to));
    asked(past, command).await.unwrap()
}

fn slower_args(from: Option<&str>, to: Option<u64>) -> WhatifArgs {
    WhatifArgs {
        rule: vec![("walk_speed".to_owned(), 128)],
        from: from.map(|from| from.parse().unwrap()),
        to: to.map(|to| to.to_string().parse().unwrap()),
        differences: 10_000,
        answer: Answer::json(),
        ..WhatifArgs::default()
    }
}

/// Another owner, and Ann walks through the forest; with the areas' snapshots.
async fn second_day(realm: &mut Realm) {
    realm.sleep(60_000);
    for name in AREAS {
        realm.take_over(name, "w9").await;
    }
    snapshots(realm).await;
    let ann = CharacterId(1);
    for bits in [InputBits::LEFT, InputBits::RIGHT, InputBits::default()] {
        for _ in 0..8 {
            realm.hold(ann, bits).await;
            realm.tick().await;
        }
    }
    snapshots(realm).await;
    realm.say(ann, "still here").await;
    realm.ticks(3).await;
}

/// A broker that was played on for a day, and an archive in which nothing is yet.
struct World {
    log: EventLog,
    archive: Archive,
    realm: Realm,
    /// Where they are; gone when dropped.
    kept: (TestBroker, TempDir),
}

async fn first_day() -> World {
    let server = devstack::test::broker().await.unwrap();
    let options = Connect::to(server.url(), "test");
    let log = EventLog::connect(&options).await.unwrap();
    keep_commands(&log, "7d").await;
    let directory = tempfile::tempdir().unwrap();
    let archive = Archive::create(&Location::Directory(directory.path().to_path_buf())).unwrap();
    let mut realm = Realm::on(log.clone());
    play(&mut realm).await;
    World {
        log,
        archive,
        realm,
        kept: (server, directory),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_past_is_decided_again_as_far_back_as_there_are_frames() {
    let World {
        log,
        archive,
        mut realm,
        kept: _kept,
    } = first_day().await;
    let evening = Some(realm.at().0);

    let broker = Past::of_log(log.clone());
    let frames = all_decided(&broker).await;
    let whole = slower(&broker, None, evening).await;
    let part = slower(&broker, Some("20"), evening).await;
    assert!(
        whole.1["differences_in_all"].as_u64() > Some(10),
        "{whole:?}"
    );

    // Archived, then too old for the broker. It alone still has every frame, and says what it cannot decide.
    round(&log, &archive, Extent::All, false).await;
    commands_age_out(&log).await;
    let (honest, there) = decided(&broker).await;
    assert_eq!(there, frames);
    let left_out = honest["left_out"].as_array().unwrap();
    let gone = left_out.iter().map(|one| {
        assert_eq!(one["why"], "its commands are no longer there");
        one["frames"].as_u64().unwrap()
    });
    let gone: u64 = gone.sum();
    assert!(gone > 10, "{honest:#}");
    assert_eq!(
        (&honest["alike"], &honest["commands"]),
        (&(frames - gone).into(), &0.into())
    );
    let (_, little) = slower(&broker, Some("20"), evening).await;
    let notes: Vec<&str> = little["notes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|note| note.as_str().unwrap())
        .collect();
    let [forest, harbor] = notes[..] else {
        panic!("{little:#}");
    };
    assert_eq!(
        forest,
        "forest-1 is left out: from tick 20 on its commands are no longer there"
    );
    // It has consumed the last command that there was; what its owner did after that needs none.
    assert!(
        harbor.starts_with("harbor-1 begins after tick "),
        "{harbor}"
    );
    assert!(
        harbor.ends_with(": the commands before that are no longer there"),
        "{harbor}"
    );
    assert_eq!(little["differences_in_all"], 0);

    let joined = || Past::joined(log.clone(), archive.clone());
    assert_eq!(all_decided(&joined()).await, frames);
    assert_eq!(slower(&joined(), None, evening).await, whole);

    // The world goes on; its first frames are purged, and the border is within both streams.
    second_day(&mut realm).await;
    let purged = round(&log, &archive, Extent::Due, true).await.purged;
    assert!(purged > 50, "{purged}");
    for stream in [AREA_COMMANDS, AREA_EVENTS] {
        let end = archive.manifest(stream).await.unwrap().unwrap().end();
        let live = log.stream_info(stream).await.unwrap();
        assert!(end < live.last, "{stream} is archived to {end}, the end");
        assert!(live.messages > 0 && live.first.0 > 20, "{stream}: {live:?}");
    }
    let past = joined();
    let all = all_decided(&past).await;
    assert!(all > frames + 20, "{all} frames");
    assert_eq!(slower(&past, None, evening).await, whole);
    assert_eq!(slower(&past, Some("20"), evening).await, part);
    let both_days = slower(&past, None, None).await;
    assert_eq!(both_days.1["notes"], Value::Array(Vec::new()));
    let hole = asked(&broker, decide()).await.unwrap_err();
    let ReplayError::Log(hole) = hole else {
        panic!("{hole}");
    };
    assert!(hole.to_string().contains("--archive"), "{hole}");

    // And when the rest has grown old, too.
    round(&log, &archive, Extent::All, false).await;
    commands_age_out(&log).await;
    assert_eq!(all_decided(&joined()).await, all);
    assert_eq!(slower(&joined(), None, None).await, both_days);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_that_were_never_archived_are_a_hole_and_nothing_else() {
    let World {
        log,
        archive,
        mut realm,
        kept: _kept,
    } = first_day().await;
    round(&log, &archive, Extent::All, false).await;
    // While nobody archives, a day's commands grow too old. Before and after it all is there.
    second_day(&mut realm).await;
    commands_age_out(&log).await;
    let until = realm.at().0;
    second_day(&mut realm).await;
    let past = Past::joined(log.clone(), archive.clone());
    let (found, frames) = decided(&past).await;
    let gone = hole_of(&found, frames);
    let (_, before) = slower(&past, None, Some(until)).await;
    let note = format!("forest-1: of {gone} frames the commands are no longer all there");
    assert_eq!(before["notes"], Value::from(vec![note]), "{before:#}");

    // In the archive a hole is refused, and gone over by who says so.
    round(&log, &archive, Extent::All, false).await;
    let past = Past::joined(log.clone(), archive.clone());
    let refused = asked(&past, decide()).await.unwrap_err();
    assert!(
        matches!(refused, ReplayError::Log(PastError::Hole { .. })),
        "{refused}"
    );
    let tolerant = VerifyArgs {
        decide: true,
        answer: Answer {
            tolerant: true,
            ..Answer::json()
        },
        ..VerifyArgs::default()
    };
    let (_, report) = asked(&past, ReplayCommand::Verify(tolerant)).await.unwrap();
    assert_eq!(report["findings"], Value::Array(Vec::new()), "{report:#}");
    assert_eq!(hole_of(&report["decided"], frames), gone);
    let whatif = |tolerant| {
        let mut args = slower_args(None, Some(until));
        args.answer.tolerant = tolerant;
        asked(&past, ReplayCommand::Whatif(args))
    };
    let refused = whatif(false).await.unwrap_err();
    assert!(
        matches!(refused, ReplayError::Log(PastError::Hole { .. })),
        "{refused}"
    );
    let (_, mut over) = whatif(true).await.unwrap();
    let skipped = over["skipped"].take();
    assert_eq!(skipped[0]["stream"], AREA_COMMANDS, "{skipped:#}");
    over["skipped"] = before["skipped"].clone();
    assert_eq!(over, before);
}

/// How many frames were left out because their commands were never archived; all others came out the same.
fn hole_of(decided: &Value, frames: u64) -> u64 {
    let [hole] = &decided["left_out"].as_array().unwrap()[..] else {
        panic!("{decided:#}");
    };
    assert_eq!(hole["why"], "its commands are no longer there");
    assert_eq!(hole["area"], "forest-1");
    let gone = hole["frames"].as_u64().unwrap();
    assert!((20..30).contains(&gone), "{hole:#}");
    assert_eq!(decided["alike"], frames - gone, "{decided:#}");
    gone
}
