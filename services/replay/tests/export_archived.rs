//! An export from an archive, and over the border between archive and broker, is the broker's; and what is damaged in
//! an archive is left out only when that is asked for.

mod sample;

use std::fs;
use std::path::{Path, PathBuf};

use eventlog::EventLog;
use past::{Archive, Past};
use replay::{Answer, Cli, ExportArgs, Format, ReplayCommand, ReplayError, exit};
use sample::busy_day;
use schemas::subjects::AREA_EVENTS;
use serde_json::Value;

/// Archives the first `share` hundredths of the frames.
async fn archived(log: &EventLog, directory: &Path, share: usize) -> Archive {
    let of = |stream: &str| if stream == AREA_EVENTS { share } else { 0 };
    sample::archive::archived(log, directory, of).await
}

fn args(out: PathBuf, tolerant: bool) -> ExportArgs {
    ExportArgs {
        out,
        format: Format::Ndjson,
        stream: vec![AREA_EVENTS.to_owned()],
        real_ids: true,
        answer: Answer {
            tolerant,
            ..Answer::json()
        },
        ..ExportArgs::default()
    }
}

async fn export(past: &Past, args: ExportArgs) -> Result<(u8, Value), ReplayError> {
    let mut out = Vec::new();
    let cli = Cli::new(ReplayCommand::Export(args));
    let code = replay::execute(cli, past, None, &mut out).await?;
    Ok((code, serde_json::from_slice(&out).unwrap()))
}

/// All lines of an export, in the order of the log.
fn lines(root: &Path) -> Vec<(u64, u64, String)> {
    let manifest = fs::read(root.join("_manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let mut lines = Vec::new();
    for file in manifest["files"].as_array().unwrap() {
        let text = fs::read_to_string(root.join(file["path"].as_str().unwrap())).unwrap();
        lines.extend(text.lines().map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            let number = |name: &str| row[name].as_u64().unwrap();
            (
                number("log_position"),
                number("event_index"),
                line.to_owned(),
            )
        }));
    }
    lines.sort();
    lines
}

#[tokio::test]
async fn an_export_is_the_same_wherever_the_past_lies_and_goes_on_over_the_border() {
    let mut realm = busy_day().await;
    let log = realm.log.clone();
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name);
    let broker = Past::of_log(log.clone());
    export(&broker, args(place("broker"), false)).await.unwrap();
    let wanted = lines(&place("broker"));
    let half = archived(&log, &place("half"), 50).await;
    let whole = archived(&log, &place("whole"), 100).await;
    let joined = Past::joined(log.clone(), half);
    export(&joined, args(place("joined"), false)).await.unwrap();
    assert_eq!(lines(&place("joined")), wanted);
    let alone = Past::of_archive(whole.clone());
    export(&alone, args(place("alone"), false)).await.unwrap();
    assert_eq!(lines(&place("alone")), wanted);

    // What was begun from the archive goes on with the broker.
    realm.take_over("harbor-1", "w3").await;
    realm.ticks(30).await;
    for (name, past) in [
        ("alone", Past::joined(log.clone(), whole)),
        ("broker", broker.clone()),
        ("joined", broker),
    ] {
        let (code, more) = export(&past, args(place(name), false)).await.unwrap();
        assert_eq!(code, exit::CLEAN);
        assert!(more["new_rows"].as_u64().unwrap() > 0, "{name}: {more}");
    }
    assert_eq!(lines(&place("alone")), lines(&place("broker")));
    assert_eq!(lines(&place("joined")), lines(&place("broker")));
}

/// The files of the segments, first to last.
fn segments(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let is_manifest = path.to_string_lossy().contains("manifest");
            match path.is_dir() {
                true if !is_manifest => open.push(path),
                false if !is_manifest && path.to_string_lossy().contains(AREA_EVENTS) => {
                    found.push(path);
                }
                _ => {}
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_damaged_segment_is_named_and_left_out_only_when_that_is_asked_for() {
    let realm = busy_day().await;
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name);
    let archive = archived(&realm.log, &place("archive"), 100).await;
    export(
        &Past::of_log(realm.log.clone()),
        args(place("broker"), false),
    )
    .await
    .unwrap();
    let damaged = segments(&place("archive"))[2].clone();
    let mut bytes = fs::read(&damaged).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&damaged, bytes).unwrap();

    let past = Past::of_archive(archive);
    let error = export(&past, args(place("out"), false)).await.unwrap_err();
    assert_eq!(error.code(), exit::DAMAGED, "{error:?}");
    let (code, summary) = export(&past, args(place("out"), true)).await.unwrap();
    assert_eq!(code, exit::SKIPPED, "{summary}");
    let skipped = &summary["skipped"][0];
    let bound = |name: &str| skipped[name].as_u64().unwrap();
    let (from, to) = (bound("from"), bound("to"));
    assert!(
        from >= 15 && to <= 21,
        "it is of the third segment: {skipped}"
    );
    // All that is told is true; of what stands elsewhere nothing is missing but who it was.
    let identities = |name: &str, within: &dyn Fn(u64) -> bool| {
        let told = lines(&place(name)).into_iter();
        let told = told.map(|(position, index, _)| (position, index));
        told.filter(|(position, _)| within(*position))
            .collect::<Vec<_>>()
    };
    let before = |position| position < from;
    assert_eq!(identities("out", &before), identities("broker", &before));
    let inside = |position| (from..=to).contains(&position);
    assert!(identities("out", &inside).is_empty());
    let after = |position| position > to;
    let (behind, all) = (identities("out", &after), identities("broker", &after));
    assert!(!behind.is_empty());
    assert!(behind.iter().all(|identity| all.contains(identity)));
}
