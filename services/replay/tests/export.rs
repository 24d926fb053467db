//! An export as an analyst uses it: whole, gone on with, interrupted at every point, and met by damage and full disks.

mod sample;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use replay::{Answer, Cli, ExportArgs, Format, PseudonymKey, ReplayCommand, ReplayError, exit};
use sample::{Realm, area_id, busy_day, people};
use schemas::subjects::area_events;
use schemas::{AccountId, CharacterId, UnixMillis};
use serde_json::{Value, json};

/// A directory of its own and what is asked of it.
struct Desk {
    directory: tempfile::TempDir,
    args: ExportArgs,
}

impl Desk {
    fn new(format: Format) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let args = ExportArgs {
            out: directory.path().join("export"),
            format,
            real_ids: true,
            ..ExportArgs::default()
        };
        Self { directory, args }
    }

    fn out(&self) -> &Path {
        &self.args.out
    }

    async fn export(&self, realm: &Realm) -> Result<(u8, Value), ReplayError> {
        let mut out = Vec::new();
        let args = ExportArgs {
            answer: Answer {
                json: true,
                ..self.args.answer
            },
            ..self.args.clone()
        };
        let cli = Cli::new(ReplayCommand::Export(args));
        let code = replay::execute(cli, &realm.log.clone().into(), None, &mut out).await?;
        Ok((code, serde_json::from_slice(&out).unwrap()))
    }

    fn manifest(&self) -> Value {
        let text = fs::read(self.out().join("_manifest.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// The files that the manifest lists.
    fn files(&self) -> Vec<PathBuf> {
        let manifest = self.manifest();
        let files = manifest["files"].as_array().unwrap().iter();
        files
            .map(|file| self.out().join(file["path"].as_str().unwrap()))
            .collect()
    }

    /// All rows of an NDJSON export, by identity.
    fn rows(&self) -> Vec<Value> {
        let mut rows: Vec<Value> = Vec::new();
        for file in self.files() {
            let text = fs::read_to_string(file).unwrap();
            rows.extend(
                text.lines()
                    .map(|line| serde_json::from_str::<Value>(line).unwrap()),
            );
        }
        rows.sort_by_key(identity);
        rows
    }

    /// Every file there is below the directory.
    fn everything(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        let mut open = vec![self.out().to_owned()];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    found.insert(path);
                }
            }
        }
        found
    }

    /// Nothing stands there but what the manifest lists and what is kept to go on.
    fn assert_tidy(&self) {
        let listed: BTreeSet<PathBuf> = self.files().into_iter().collect();
        for path in self.everything() {
            let inside = path.strip_prefix(self.out()).unwrap();
            let kept = inside.starts_with("_state") || inside == Path::new("_manifest.json");
            assert!(
                kept || listed.contains(&path),
                "{} is a stray",
                path.display()
            );
        }
    }
}

fn identity(row: &Value) -> (String, u64, u64) {
    let number = |name: &str| row[name].as_u64().unwrap();
    let stream = row["stream"].as_str().unwrap().to_owned();
    (stream, number("log_position"), number("event_index"))
}

async fn full_day() -> Realm {
    let mut realm = busy_day().await;
    people::live(&mut realm).await;
    realm
}

/// Rows of a Parquet file, as NDJSON would tell them.
fn parquet_rows(path: &Path) -> Vec<Value> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let text = |row: &parquet::record::Row, at| row.get_string(at).ok().cloned();
    let parsed = |text: Option<String>| serde_json::from_str::<Value>(&text.unwrap()).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        json!({
            "log_position": row.get_long(0).unwrap(), "event_index": row.get_int(1).unwrap(),
            "stream": text(&row, 2), "event_type": text(&row, 3), "schema_version": row.get_int(4).unwrap(),
            "created_at": row.get_timestamp_millis(5).unwrap(), "area": text(&row, 6),
            "tick": row.get_long(7).ok(), "player": text(&row, 8), "account": text(&row, 9),
            "data": parsed(text(&row, 10)), "metadata": parsed(text(&row, 11)),
        })
    });
    rows.collect()
}

fn csv_rows(path: &Path) -> Vec<Value> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let names = reader.headers().unwrap().clone();
    let rows = reader.records().map(|record| {
        let record = record.unwrap();
        let fields = names.iter().zip(&record).map(|(name, text)| {
            let value = match name {
                _ if text.is_empty() => Value::Null,
                "stream" | "event_type" | "area" | "player" | "account" => json!(text),
                _ => serde_json::from_str(text).unwrap(),
            };
            (name.to_owned(), value)
        });
        Value::Object(fields.collect())
    });
    rows.collect()
}

#[tokio::test]
async fn the_three_formats_hold_the_same_rows_and_the_manifest_tells_them() {
    let realm = full_day().await;
    let lines = Desk::new(Format::Ndjson);
    let (code, summary) = lines.export(&realm).await.unwrap();
    assert_eq!(code, exit::CLEAN);
    let rows = lines.rows();
    assert_eq!(summary["rows"], rows.len());
    assert_eq!(summary["new_rows"], rows.len());
    for (format, read) in [
        (Format::Parquet, parquet_rows as fn(&Path) -> Vec<Value>),
        (Format::Csv, csv_rows),
    ] {
        let desk = Desk::new(format);
        desk.export(&realm).await.unwrap();
        let mut others: Vec<Value> = desk.files().iter().flat_map(|path| read(path)).collect();
        others.sort_by_key(identity);
        assert_eq!(others.len(), rows.len());
        for (one, other) in rows.iter().zip(&others) {
            assert_eq!(one, other);
        }
        desk.assert_tidy();
        let manifest = desk.manifest();
        for file in manifest["files"].as_array().unwrap() {
            let path = desk.out().join(file["path"].as_str().unwrap());
            let bytes = fs::read(&path).unwrap();
            assert_eq!(file["bytes"], bytes.len());
            assert_eq!(file["sha256"], sha256(&bytes));
            assert_eq!(file["rows"], read(&path).len());
            // The partition is what its rows say.
            for row in read(&path) {
                let area = row["area"].as_str().unwrap_or("__HIVE_DEFAULT_PARTITION__");
                let stream = row["stream"].as_str().unwrap();
                let partition = format!("stream={stream}/day=2023-11-14/area={area}/part-");
                assert!(
                    file["path"].as_str().unwrap().starts_with(&partition),
                    "{file}"
                );
            }
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn the_same_again_adds_what_is_new_and_nothing_else() {
    let mut realm = busy_day().await;
    let desk = Desk::new(Format::Ndjson);
    desk.export(&realm).await.unwrap();
    let first = desk.rows();
    let (_, again) = desk.export(&realm).await.unwrap();
    assert_eq!(again["new_rows"], 0);
    assert_eq!(desk.rows(), first);
    realm.take_over("harbor-1", "w3").await;
    realm.join(CharacterId(2)).await;
    realm.ticks(30).await;
    let (_, more) = desk.export(&realm).await.unwrap();
    assert!(more["new_rows"].as_u64().unwrap() > 0);
    // Bodies that came in the first run are known in the second.
    let whole = Desk::new(Format::Ndjson);
    whole.export(&realm).await.unwrap();
    assert_eq!(desk.rows(), whole.rows());
    desk.assert_tidy();
}

#[tokio::test]
async fn a_crash_at_any_point_of_a_commit_loses_and_doubles_nothing() {
    let mut realm = busy_day().await;
    let desk = Desk::new(Format::Ndjson);
    desk.export(&realm).await.unwrap();
    let earlier = fs::read(desk.out().join("_manifest.json")).unwrap();
    let before = desk.files().len();
    realm.take_over("harbor-1", "w3").await;
    realm.ticks(30).await;
    desk.export(&realm).await.unwrap();
    let rows = desk.rows();
    let new: Vec<PathBuf> = desk.files().split_off(before);
    let unfinished = |path: &Path| PathBuf::from(format!("{}.part", path.display()));

    // After the manifest, before the names.
    let last_commit = new.last().unwrap();
    fs::rename(last_commit, unfinished(last_commit)).unwrap();
    let (_, summary) = desk.export(&realm).await.unwrap();
    assert_eq!(summary["new_rows"], 0);
    assert_eq!(desk.rows(), rows);
    desk.assert_tidy();

    // Before the manifest: the parts are there, nothing knows of them. (One was cut in the middle of a row.)
    for path in &new {
        fs::rename(path, unfinished(path)).unwrap();
    }
    let half = fs::read(unfinished(last_commit)).unwrap();
    fs::write(unfinished(last_commit), &half[..half.len() / 2]).unwrap();
    fs::write(desk.out().join("_manifest.json"), earlier).unwrap();
    restore_state(&desk, &realm).await;
    let (_, summary) = desk.export(&realm).await.unwrap();
    assert!(summary["new_rows"].as_u64().unwrap() > 0);
    assert_eq!(desk.rows(), rows);
    desk.assert_tidy();
}

/// A commit removes the state of the one before only when it is done; the test went further, so it is made again.
async fn restore_state(desk: &Desk, realm: &Realm) {
    let manifest = desk.manifest();
    let (path, to) = (
        manifest["streams"]["AREA_EVENTS"]["state"]
            .as_str()
            .unwrap(),
        manifest["streams"]["AREA_EVENTS"]["to"].as_u64().unwrap(),
    );
    let mut events = past::event::Events::new();
    let mut reader = realm.log.read(
        "AREA_EVENTS",
        Vec::new(),
        schemas::Sequence(0),
        eventlog::Follow::UntilHead,
    );
    while let Some(record) = reader.next().await.unwrap() {
        if record.sequence.0 > to {
            break;
        }
        events.of(&record).unwrap();
    }
    fs::write(desk.out().join(path), events.save()).unwrap();
}

#[tokio::test]
async fn without_real_ids_no_id_of_a_person_is_in_any_file() {
    let realm = full_day().await;
    let mut desk = Desk::new(Format::Ndjson);
    let ids = [
        CharacterId(1).to_string(),
        CharacterId(2).to_string(),
        people::HERO.to_string(),
        AccountId(1000).to_string(),
        people::CLEO.to_string(),
        people::STOLEN.to_string(),
        people::CREDENTIAL.to_string(),
        people::NAME.to_string(),
    ];
    desk.export(&realm).await.unwrap();
    let told: String = desk
        .files()
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    for id in &ids {
        assert!(told.contains(id), "{id} is in the log");
    }
    let real = desk.rows();

    desk = Desk::new(Format::Ndjson);
    desk.args.real_ids = false;
    let without_key = desk.export(&realm).await.unwrap_err();
    assert!(
        matches!(&without_key, ReplayError::Usage(_)),
        "{without_key}"
    );
    assert!(
        without_key.to_string().contains("--pseudonym-key"),
        "{without_key}"
    );
    desk.args.realm_pseudonyms = Some(PseudonymKey::of_realm([7; 32]));
    desk.export(&realm).await.unwrap();
    for path in desk.everything() {
        // In this realm a life of a stream has a number like a player's.
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap())
            .replace(r#""incarnation":"0000000000001""#, "")
            .replace(r#""incarnation": "0000000000001""#, "");
        for id in &ids {
            assert!(!text.contains(id), "{id} is in {}", path.display());
        }
    }
    // One pseudonym for each, the same wherever it stands.
    let pairs: BTreeSet<(String, String)> = real
        .iter()
        .zip(desk.rows())
        .filter(|(real, _)| !real["player"].is_null())
        .map(|(real, hidden)| (real["player"].to_string(), hidden["player"].to_string()))
        .collect();
    let players: BTreeSet<&String> = pairs.iter().map(|(real, _)| real).collect();
    assert_eq!(players.len(), pairs.len(), "{pairs:?}");
    assert_eq!(
        pairs
            .iter()
            .map(|(_, hidden)| hidden)
            .collect::<BTreeSet<_>>()
            .len(),
        pairs.len()
    );
}

#[tokio::test]
async fn an_export_goes_on_only_with_what_it_is() {
    let realm = busy_day().await;
    let desk = Desk::new(Format::Ndjson);
    desk.export(&realm).await.unwrap();
    let other = |change: fn(&mut ExportArgs)| {
        let mut args = desk.args.clone();
        change(&mut args);
        args
    };
    for (args, sentence) in [
        (other(|args| args.format = Format::Csv), "--format"),
        (
            other(|args| args.area = vec![area_id("harbor-1")]),
            "--area",
        ),
        (other(|args| args.to = Some(UnixMillis(9))), "--to"),
        (
            other(|args| {
                args.real_ids = false;
                args.realm_pseudonyms = Some(PseudonymKey::of_realm([7; 32]));
            }),
            "--real-ids",
        ),
        (
            other(|args| args.stream = vec!["NOTHING".into()]),
            "AREA_EVENTS",
        ),
    ] {
        let cli = Cli::new(ReplayCommand::Export(args));
        let log = realm.log.clone().into();
        let error = replay::execute(cli, &log, None, &mut Vec::new())
            .await
            .unwrap_err();
        assert_eq!(error.code(), exit::USAGE, "{error}");
        assert!(error.to_string().contains(sentence), "{error}");
    }
    // Another world's log.
    let error = desk.export(&busy_day().await).await.unwrap_err();
    assert_eq!(error.code(), exit::DAMAGED, "{error}");
    assert!(error.to_string().contains("another directory"), "{error}");
    // A directory of somebody else's.
    let taken = Desk::new(Format::Ndjson);
    fs::create_dir_all(taken.out()).unwrap();
    fs::write(taken.out().join("thesis.txt"), "mine").unwrap();
    let error = taken.export(&realm).await.unwrap_err();
    assert_eq!(error.code(), exit::UNWRITABLE, "{error}");
    assert_eq!(taken.everything().len(), 1);
}

#[tokio::test]
async fn times_and_areas_choose_rows() {
    let realm = full_day().await;
    let whole = Desk::new(Format::Ndjson);
    whole.export(&realm).await.unwrap();
    let rows = whole.rows();
    let times: Vec<u64> = rows
        .iter()
        .map(|row| row["created_at"].as_u64().unwrap())
        .collect();
    let (first, last) = (*times.iter().min().unwrap(), *times.iter().max().unwrap());
    let (from, to) = (first + (last - first) / 3, first + 2 * (last - first) / 3);
    let mut desk = Desk::new(Format::Ndjson);
    desk.args.from = Some(UnixMillis(from));
    desk.args.to = Some(UnixMillis(to));
    desk.args.area = vec![area_id("forest-1")];
    desk.export(&realm).await.unwrap();
    let wanted: Vec<Value> = rows
        .into_iter()
        .filter(|row| row["area"] == "forest-1")
        .filter(|row| (from..to).contains(&row["created_at"].as_u64().unwrap()))
        .collect();
    assert!(!wanted.is_empty());
    assert_eq!(desk.rows(), wanted);
}

#[tokio::test]
async fn a_full_disk_leaves_nothing_half_written_and_the_same_command_goes_on() {
    let realm = busy_day().await;
    for format in [Format::Parquet, Format::Ndjson, Format::Csv] {
        let example = Desk::new(format);
        example.export(&realm).await.unwrap();
        let part = example.manifest()["files"][0]["path"]
            .as_str()
            .unwrap()
            .to_owned();

        let desk = Desk::new(format);
        let full = desk.out().join(format!("{part}.part"));
        fs::create_dir_all(full.parent().unwrap()).unwrap();
        // So it is an export's directory, with a part for which there is no room.
        let manifest = json!({
            "version": 1, "selection": example.manifest()["selection"], "columns": example.manifest()["columns"],
            "streams": {}, "rows": 0, "skipped": [], "files": [], "newest": 0,
        });
        fs::write(desk.out().join("_manifest.json"), manifest.to_string()).unwrap();
        std::os::unix::fs::symlink("/dev/full", &full).unwrap();
        let error = desk.export(&realm).await.unwrap_err();
        assert_eq!(error.code(), exit::UNWRITABLE, "{error}");
        assert!(error.to_string().contains(&part), "{error}");
        desk.assert_tidy_but(&full);
        assert_eq!(desk.files().len(), 0);

        fs::remove_file(&full).unwrap();
        desk.export(&realm).await.unwrap();
        assert_eq!(desk.manifest()["rows"], example.manifest()["rows"]);
        desk.assert_tidy();
    }
}

impl Desk {
    /// As `assert_tidy`, except for the test's own obstacle.
    fn assert_tidy_but(&self, obstacle: &Path) {
        let parts: Vec<PathBuf> = self
            .everything()
            .into_iter()
            .filter(|path| path != obstacle)
            .filter(|path| path.to_string_lossy().contains("part-"))
            .collect();
        assert!(parts.is_empty(), "{parts:?}");
    }
}

#[tokio::test]
async fn damage_is_named_and_left_out_only_when_that_is_asked_for() {
    let mut realm = busy_day().await;
    realm
        .append(&area_events(&area_id("harbor-1")), b"not a frame".to_vec())
        .await;
    realm.abandon("harbor-1");
    realm.say(CharacterId(1), "still here").await;
    realm.ticks(3).await;
    let mut desk = Desk::new(Format::Ndjson);
    let error = desk.export(&realm).await.unwrap_err();
    assert_eq!(error.code(), exit::DAMAGED, "{error}");
    let sentence = error.to_string();
    assert!(
        sentence.contains("AREA_EVENTS") && sentence.contains("--tolerant"),
        "{sentence}"
    );
    desk.assert_tidy_but(Path::new(""));

    desk.args.answer.tolerant = true;
    let (code, summary) = desk.export(&realm).await.unwrap();
    assert_eq!(code, exit::SKIPPED);
    assert_eq!(
        summary["skipped"].as_array().map(Vec::len),
        Some(1),
        "{summary}"
    );
    let spoken = desk
        .rows()
        .iter()
        .filter(|row| row["event_type"] == "spoken")
        .count();
    assert_eq!(spoken, 3, "what comes behind the damage is there");
    // It stays known that something is missing.
    desk.args.answer.tolerant = false;
    let (code, _) = desk.export(&realm).await.unwrap();
    assert_eq!(code, exit::SKIPPED);
}

#[tokio::test]
async fn two_at_once_do_not_write_to_one_directory() {
    let realm = busy_day().await;
    let desk = Desk::new(Format::Ndjson);
    desk.export(&realm).await.unwrap();
    let lock = File::create(desk.out().join("_state/lock")).unwrap();
    lock.try_lock().unwrap();
    let error = desk.export(&realm).await.unwrap_err();
    assert_eq!(error.code(), exit::USAGE, "{error}");
    assert!(error.to_string().contains("another export"), "{error}");
    drop(lock);
    desk.export(&realm).await.unwrap();
    assert!(desk.directory.path().exists());
}
