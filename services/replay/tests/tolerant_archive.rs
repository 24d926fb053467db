//! A segment of an archive is damaged: each subcommand ends with it, and with `--tolerant` tells what else there is.

mod sample;

use std::fs;
use std::path::{Path, PathBuf};

use past::{Archive, Location, Past};
use replay::{
    Answer, Cli, DiffArgs, ExplainArgs, ListArgs, ReplayCommand, ReplayError, ShowArgs, TailArgs,
    VerifyArgs, WhatifArgs, exit,
};
use sample::archive::archived;
use sample::{area_id, busy_day};
use schemas::CharacterId;
use schemas::subjects::{AREA_COMMANDS, AREA_EVENTS, Domain};
use serde_json::Value;
use tempfile::TempDir;

/// The files of a stream's segments, first to last.
fn segments(directory: &Path, stream: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let text = path.to_string_lossy();
            match path.is_dir() {
                _ if text.contains("manifest") => {}
                true => open.push(path),
                false if text.contains(stream) => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
}

#[derive(Clone, Copy)]
enum Which {
    First,
    Second,
    Last,
}

/// What is damaged of a segment: its messages, or what says which it holds.
#[derive(Clone, Copy)]
enum Where {
    Messages,
    Footer,
}

/// An archive of a busy day, without a broker, of which a segment of `stream` is damaged.
async fn damaged(stream: &str, which: Which, place: Where) -> (TempDir, Past) {
    let realm = busy_day().await;
    let directory = tempfile::tempdir().unwrap();
    let archive = archived(&realm.log, directory.path(), |_| 100).await;
    let segments = segments(directory.path(), stream);
    let path = match which {
        Which::First => &segments[0],
        Which::Second => &segments[1],
        Which::Last => segments.last().unwrap(),
    };
    let mut bytes = fs::read(path).unwrap();
    let at = match place {
        // Behind the head, in the first block.
        Where::Messages => 80,
        // Before the trailer of 56 bytes.
        Where::Footer => bytes.len() - 60,
    };
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
    drop(archive);
    // As somebody opens it who has never read it.
    let location = Location::Directory(directory.path().to_path_buf());
    (
        directory,
        Past::of_archive(Archive::open(&location).unwrap()),
    )
}

async fn ask(past: &Past, command: ReplayCommand) -> Result<(u8, Value), ReplayError> {
    let mut out = Vec::new();
    let code = replay::execute(Cli::new(command), past, None, &mut out).await?;
    let text = String::from_utf8(out).unwrap();
    // Of what has no end there is an object a line.
    let told = serde_json::from_str(&text).unwrap_or_else(|_| text.lines().collect());
    Ok((code, told))
}

/// With damage it ends, and says where; with `--tolerant` it answers, and says that it is not the whole.
async fn over(past: &Past, command: impl Fn(Answer) -> ReplayCommand) -> Value {
    let error = ask(past, command(Answer::json())).await.unwrap_err();
    assert_eq!(error.code(), exit::DAMAGED, "{error:?}");
    let tolerant = Answer {
        tolerant: true,
        ..Answer::json()
    };
    let (code, told) = ask(past, command(tolerant)).await.unwrap();
    assert_eq!(code, exit::SKIPPED, "{told:#}");
    told
}

fn left_out(told: &Value) -> &str {
    told["skipped"][0]["stream"].as_str().unwrap()
}

fn list(answer: Answer) -> ReplayCommand {
    ReplayCommand::List(ListArgs { answer })
}

#[tokio::test]
async fn what_there_is_is_listed() {
    for (which, place) in [
        (Which::First, Where::Messages),
        (Which::Last, Where::Messages),
        (Which::Second, Where::Footer),
    ] {
        let (_directory, past) = damaged(AREA_EVENTS, which, place).await;
        let told = over(&past, list).await;
        assert_eq!(left_out(&told), AREA_EVENTS);
        let areas = told["areas"].as_array().unwrap();
        let names: Vec<_> = areas.iter().map(|area| area["area"].as_str()).collect();
        assert_eq!(names, [Some("forest-1"), Some("harbor-1")]);
        assert!(areas.iter().all(|area| area["first"]["tick"].is_u64()));
    }
}

#[tokio::test]
async fn an_area_is_compared_as_far_as_it_can_be_read() {
    let (_directory, past) = damaged(AREA_EVENTS, Which::Last, Where::Messages).await;
    let diff = |answer| {
        ReplayCommand::Diff(DiffArgs {
            area: area_id("harbor-1"),
            from: "now".parse().unwrap(),
            to: "now".parse().unwrap(),
            entity: None,
            answer,
        })
    };
    let told = over(&past, diff).await;
    assert_eq!(left_out(&told), AREA_EVENTS);
    assert!(told["to"]["tick"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn entries_that_concern_nobody_else_are_verified_around_it() {
    let identity = Domain::Identity.event_stream();
    let (_directory, past) = damaged(identity, Which::First, Where::Messages).await;
    let verify = |answer| {
        ReplayCommand::Verify(VerifyArgs {
            answer,
            ..VerifyArgs::default()
        })
    };
    let told = over(&past, verify).await;
    assert_eq!(left_out(&told), identity);
    assert_eq!(told["skipped"].as_array().unwrap().len(), 1);
}

fn explain(answer: Answer) -> ReplayCommand {
    ReplayCommand::Explain(ExplainArgs {
        answer,
        ..ExplainArgs::player(CharacterId(1))
    })
}

#[tokio::test]
async fn a_life_is_told_around_it() {
    for stream in [
        AREA_EVENTS,
        AREA_COMMANDS,
        Domain::Lobby.command_stream(),
        Domain::Identity.event_stream(),
    ] {
        let (_directory, past) = damaged(stream, Which::First, Where::Messages).await;
        let told = over(&past, explain).await;
        assert_eq!(left_out(&told), stream);
        assert!(told["events"].as_array().unwrap().len() > 3, "{stream}");
    }
}

#[tokio::test]
async fn an_item_is_looked_for_around_it() {
    let (_directory, past) = damaged(AREA_EVENTS, Which::Second, Where::Messages).await;
    let item = |answer| {
        ReplayCommand::Explain(ExplainArgs {
            player: None,
            item: Some("sword".to_owned()),
            answer,
            ..ExplainArgs::player(CharacterId(1))
        })
    };
    let told = over(&past, item).await;
    assert_eq!(left_out(&told), AREA_EVENTS);
    assert!(told["messages"].as_u64().unwrap() > 30);
}

#[tokio::test]
async fn the_log_is_told_without_commands_that_are_damaged() {
    for stream in [AREA_COMMANDS, Domain::Lobby.command_stream()] {
        let (_directory, past) = damaged(stream, Which::First, Where::Messages).await;
        let tail = |answer| {
            ReplayCommand::Tail(TailArgs {
                all: true,
                once: true,
                answer,
                ..TailArgs::default()
            })
        };
        let told = over(&past, tail).await;
        assert!(told.as_array().unwrap().len() > 30, "{stream}");
    }
}

#[tokio::test]
async fn areas_are_decided_otherwise_when_the_list_of_them_is_damaged() {
    let (_directory, past) = damaged(AREA_EVENTS, Which::Last, Where::Footer).await;
    let whatif = |answer| {
        ReplayCommand::Whatif(WhatifArgs {
            rule: vec![("walk_speed".to_owned(), 128)],
            answer,
            ..WhatifArgs::default()
        })
    };
    let error = ask(&past, whatif(Answer::json())).await.unwrap_err();
    assert_eq!(error.code(), exit::DAMAGED, "{error:?}");
    let tolerant = Answer {
        tolerant: true,
        ..Answer::json()
    };
    let (_, told) = ask(&past, whatif(tolerant)).await.unwrap();
    assert_eq!(left_out(&told), AREA_EVENTS);
    assert_eq!(told["areas"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_snapshot_of_the_index_whose_frame_is_damaged_is_no_obstacle() {
    let realm = busy_day().await;
    let directory = tempfile::tempdir().unwrap();
    let index = directory.path().join("index");
    let cli = |command| Cli {
        index: Some(index.display().to_string()),
        ..Cli::new(command)
    };
    let every = replay::IndexArgs {
        every: 1,
        ..replay::IndexArgs::default()
    };
    let log = Past::of_log(realm.log.clone());
    let made = cli(ReplayCommand::Index(every));
    replay::execute(made, &log, None, &mut Vec::new())
        .await
        .unwrap();
    let (_archive, past) = {
        let place = directory.path().join("archive");
        let archive = archived(&realm.log, &place, |_| 100).await;
        let last = segments(&place, AREA_EVENTS).pop().unwrap();
        let mut bytes = fs::read(&last).unwrap();
        bytes[80] ^= 1;
        fs::write(last, bytes).unwrap();
        (place, Past::of_archive(archive))
    };
    let show = cli(ReplayCommand::Show(ShowArgs {
        answer: Answer {
            tolerant: true,
            ..Answer::json()
        },
        ..ShowArgs::of(area_id("harbor-1"), "now".parse().unwrap())
    }));
    let mut out = Vec::new();
    let code = replay::execute(show, &past, None, &mut out).await.unwrap();
    assert_eq!(code, exit::SKIPPED);
    let shown: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(left_out(&shown), AREA_EVENTS);
    assert!(shown["tick"].as_u64().unwrap() > 0);
}
