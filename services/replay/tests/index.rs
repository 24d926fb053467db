//! The index of history snapshots: it changes how long an answer takes, never the answer.

mod sample;

use std::path::{Path, PathBuf};

use replay::{Answer, Cli, IndexArgs, ReplayCommand, ReplayError, ShowArgs, exit};
use sample::{Realm, area_id, busy_day, realm_key};
use schemas::subjects::{AREA_EVENTS, area_events};
use tempfile::TempDir;

async fn run(
    realm: &Realm,
    index: Option<&Path>,
    command: ReplayCommand,
) -> Result<(u8, String), ReplayError> {
    let mut cli = Cli::new(command);
    cli.index = index.map(|index| index.display().to_string());
    let mut out = Vec::new();
    let past = realm.log.clone().into();
    let code = replay::execute(cli, &past, Some(realm_key()), &mut out).await?;
    Ok((code, String::from_utf8(out).unwrap()))
}

fn every(every: u64) -> IndexArgs {
    IndexArgs {
        every,
        ..IndexArgs::default()
    }
}

async fn make(realm: &Realm, index: &Path, args: IndexArgs) -> String {
    let (code, told) = run(realm, Some(index), ReplayCommand::Index(args))
        .await
        .unwrap();
    assert_eq!(code, exit::CLEAN);
    told
}

async fn shown(realm: &Realm, index: Option<&Path>, area: &str, at: &str) -> String {
    let args = ShowArgs {
        answer: Answer::json(),
        ..ShowArgs::of(area_id(area), at.parse().unwrap())
    };
    run(realm, index, ReplayCommand::Show(args))
        .await
        .unwrap()
        .1
}

/// The snapshots' files, by name.
fn states(index: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for area in std::fs::read_dir(index.join("v1")).unwrap() {
        let area = area.unwrap().path();
        if area.is_dir() {
            let files = std::fs::read_dir(area).unwrap();
            found.extend(files.map(|file| file.unwrap().path()));
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn every_tick_is_shown_alike_with_and_without_it() {
    let realm = busy_day().await;
    let dir = TempDir::new().unwrap();
    let told = make(&realm, dir.path(), every(5)).await;
    assert!(told.starts_with("folded 72 frames"), "{told}");
    assert_eq!(states(dir.path()).len(), 35 / 5 + 37 / 5);
    for area in ["harbor-1", "forest-1"] {
        for tick in 0..36 {
            let tick = tick.to_string();
            let with = shown(&realm, Some(dir.path()), area, &tick).await;
            assert_eq!(
                with,
                shown(&realm, None, area, &tick).await,
                "{area} {tick}"
            );
        }
        let time = "2023-11-14T22:13:20.500Z";
        let with = shown(&realm, Some(dir.path()), area, time).await;
        assert_eq!(with, shown(&realm, None, area, time).await, "{area}");
    }
}

#[tokio::test]
async fn in_pieces_it_becomes_the_same_as_at_once() {
    let mut realm = busy_day().await;
    let (whole, pieces) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let piece = IndexArgs {
        at_most: Some(10),
        ..every(4)
    };
    let mut interrupted = 0;
    loop {
        let command = ReplayCommand::Index(piece.clone());
        match run(&realm, Some(pieces.path()), command).await {
            Ok((code, _)) => {
                assert_eq!(code, exit::CLEAN);
                break;
            }
            Err(error) => {
                assert_eq!(error.code(), exit::INTERRUPTED, "{error:?}");
                interrupted += 1;
            }
        }
        if interrupted == 3 {
            // The world goes on meanwhile.
            realm.tick().await;
        }
    }
    // It reads in larger steps than we have asked for, but it was interrupted.
    assert!(interrupted > 0);
    make(&realm, whole.path(), every(4)).await;
    let names = |dir: &TempDir| -> Vec<_> {
        let files = states(dir.path());
        let bytes = files.iter().map(|file| std::fs::read(file).unwrap());
        let names = files
            .iter()
            .map(|file| file.file_name().unwrap().to_owned());
        names.zip(bytes).collect()
    };
    assert_eq!(names(&pieces), names(&whole));
}

#[tokio::test]
async fn what_is_damaged_in_it_costs_time_and_nothing_else() {
    let realm = busy_day().await;
    let dir = TempDir::new().unwrap();
    make(&realm, dir.path(), every(3)).await;
    let without = shown(&realm, None, "harbor-1", "30").await;
    for (number, state) in states(dir.path()).iter().enumerate() {
        let mut bytes = std::fs::read(state).unwrap();
        let at = (bytes.len() * (number % 7)) / 7;
        bytes[at] ^= 0x10;
        if number % 5 == 0 {
            bytes.truncate(at);
        }
        std::fs::write(state, bytes).unwrap();
        assert_eq!(
            shown(&realm, Some(dir.path()), "harbor-1", "30").await,
            without
        );
    }
    std::fs::write(dir.path().join("v1/tail"), b"none").unwrap();
    let told = make(&realm, dir.path(), every(3)).await;
    assert!(told.starts_with("folded 72 frames"), "{told}");
    assert_eq!(
        shown(&realm, Some(dir.path()), "harbor-1", "30").await,
        without
    );
}

#[tokio::test]
async fn one_of_another_log_is_not_believed() {
    let dir = TempDir::new().unwrap();
    make(&busy_day().await, dir.path(), every(3)).await;
    // The same script, so the same ticks at the same sequences; but another log.
    let realm = busy_day().await;
    let without = shown(&realm, None, "harbor-1", "20").await;
    assert_eq!(
        shown(&realm, Some(dir.path()), "harbor-1", "20").await,
        without
    );
    let told = make(&realm, dir.path(), every(3)).await;
    assert!(told.starts_with("folded 72 frames"), "{told}");
    let info = realm.log.stream_info(AREA_EVENTS).await.unwrap();
    let ours = info.incarnation.to_string();
    for state in states(dir.path()) {
        let name = state.file_name().unwrap().to_string_lossy().into_owned();
        assert!(name.contains(&ours), "{name}");
    }
}

#[tokio::test]
async fn it_says_what_it_holds_and_where_it_should_be() {
    let realm = busy_day().await;
    let dir = TempDir::new().unwrap();
    let place = dir.path().join("index");
    let status = IndexArgs {
        status: true,
        ..every(10)
    };
    let asked = ReplayCommand::Index(status);
    let error = run(&realm, Some(&place), asked.clone()).await.unwrap_err();
    assert_eq!(error.code(), exit::USAGE, "{error:?}");
    let error = run(&realm, None, asked.clone()).await.unwrap_err();
    assert!(error.to_string().contains("--index DIR"), "{error}");
    make(&realm, &place, every(10)).await;
    let (_, told) = run(&realm, Some(&place), asked).await.unwrap();
    let areas: Vec<Vec<&str>> = told
        .lines()
        .map(|line| line.split_whitespace().take(2).collect())
        .collect();
    let expected = [["AREA", "SNAPSHOTS"], ["forest-1", "3"], ["harbor-1", "3"]];
    assert_eq!(areas, expected, "{told}");
}

#[tokio::test]
async fn over_damage_it_goes_on_only_if_told_to() {
    let realm = busy_day().await;
    let dir = TempDir::new().unwrap();
    let harbor = area_events(&area_id("harbor-1"));
    let at = realm.append(&harbor, b"no frame".to_vec()).await;
    let error = run(&realm, Some(dir.path()), ReplayCommand::Index(every(5)))
        .await
        .unwrap_err();
    assert_eq!(error.code(), exit::DAMAGED, "{error:?}");
    assert!(
        error
            .to_string()
            .contains(&format!("AREA_EVENTS:{at}-{at}")),
        "{error}"
    );
    let tolerant = IndexArgs {
        answer: Answer {
            tolerant: true,
            ..Answer::json()
        },
        ..every(5)
    };
    let (code, told) = run(&realm, Some(dir.path()), ReplayCommand::Index(tolerant))
        .await
        .unwrap();
    assert_eq!(code, exit::SKIPPED);
    assert!(told.contains(r#""place":"evt.area.harbor-1""#), "{told}");
    assert_eq!(states(dir.path()).len(), 35 / 5 + 37 / 5);
}
