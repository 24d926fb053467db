//! Publishing as an operator does it, against the twin of the broker, and once against a real one with its users.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use clap::Parser;
use eventlog::streams::{self, StreamsFile};
use eventlog::{EventLog, Faults};
use schemas::resources::{BUCKET, ContentHash, MANIFEST, Manifest, STORE};
use schemas::{Sequence, UnixMillis};

use super::{Publisher, run};
use crate::access::connect;
use crate::cli::{Cli, Command, ResourcesCommand};

struct Desk {
    log: EventLog,
    faults: Faults,
    dir: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let (log, faults) = EventLog::in_memory();
        let dir = tempfile::tempdir().unwrap();
        Self { log, faults, dir }
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn write(&self, path: &str, content: &str) {
        let file = self.dir().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    /// Runs `worldline resources …`; what it says, or why not.
    async fn say(&self, line: &str) -> Result<String, String> {
        say(&self.log, line, self.dir()).await
    }

    async fn published(&self) -> Option<Manifest> {
        let publisher = Publisher::open(&self.log).await.unwrap();
        publisher.published().await.unwrap()
    }

    async fn objects(&self) -> usize {
        let publisher = Publisher::open(&self.log).await.unwrap();
        publisher.store.list().await.unwrap().len()
    }
}

fn command(line: &str, dir: &Path) -> Result<ResourcesCommand, String> {
    let words = line.split(' ').map(|word| match word {
        "DIR" => dir.display().to_string(),
        word => word.to_owned(),
    });
    let whole = ["worldline".to_owned(), "resources".to_owned()];
    let parsed = Cli::try_parse_from(whole.into_iter().chain(words));
    match parsed.map_err(|error| error.to_string())?.command {
        Command::Resources(args) => Ok(args.command),
        other => Err(format!("{other:?}")),
    }
}

async fn say(log: &EventLog, line: &str, dir: &Path) -> Result<String, String> {
    let mut said = Vec::new();
    let ran = run(command(line, dir)?, log, &mut said).await;
    ran.map_err(|error| format!("{error:#}"))?;
    Ok(String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn a_directory_becomes_a_version_and_the_next_one_uploads_what_is_new() {
    let desk = Desk::new();
    assert!(
        desk.say("list")
            .await
            .unwrap()
            .contains("nothing is published")
    );
    desk.write("index.html", "<p>play</p>");
    desk.write("maps/harbor.json", "{}");
    let said = desk.say("publish DIR --version 0.1.0").await.unwrap();
    assert_eq!(said, "published 0.1.0: 2 files, 2 of them new (13 bytes)\n");
    let said = desk.say("publish DIR --version 0.1.0").await.unwrap();
    assert_eq!(said, "0.1.0 is published already, with these files\n");
    desk.write("maps/harbor.json", "{\"new\":1}");
    desk.write("maps/copy.json", "{\"new\":1}");
    let said = desk
        .say("publish DIR --version 0.2.0 --minimum 0.1.0")
        .await
        .unwrap();
    assert_eq!(said, "published 0.2.0: 3 files, 2 of them new (18 bytes)\n");
    let manifest = desk.published().await.unwrap();
    let files = manifest.files.iter();
    let files: Vec<_> = files
        .map(|f| (f.path.as_str(), f.content_type.as_str()))
        .collect();
    assert_eq!(
        files,
        [
            ("index.html", "text/html"),
            ("maps/copy.json", "application/json"),
            ("maps/harbor.json", "application/json"),
        ]
    );
    assert_eq!(manifest.files[0].sha256, ContentHash::of(b"<p>play</p>"));
    let said = desk.say("minimum 0.2.0").await.unwrap();
    assert_eq!(said, "clients below 0.2.0 are told to update to 0.2.0\n");
    let listed = desk.say("list").await.unwrap();
    let lines: Vec<_> = listed.lines().collect();
    assert_eq!(lines.len(), 3, "{listed}");
    assert!(
        lines[0].starts_with("0.2.0  minimum 0.2.0  3 files  29 bytes"),
        "{listed}"
    );
    assert!(
        lines[2].starts_with("0.1.0  minimum 0.0.0  2 files"),
        "{listed}"
    );
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_in_a_sentence_and_changes_nothing() {
    let desk = Desk::new();
    let refused = async |line: &str, part: &str| {
        let said = desk.say(line).await.expect_err(line);
        assert!(said.contains(part), "{line}: {said}");
    };
    refused("publish DIR --version 0.1.0", "holds no file").await;
    refused("publish DIR/nowhere --version 0.1.0", "cannot be read").await;
    refused("minimum 0.1.0", "nothing is published yet").await;
    desk.write("index.html", "1");
    refused("publish DIR --version soon", "1.2.3").await;
    refused(
        "publish DIR --version 0.2.0 --minimum 0.3.0",
        "nobody could play",
    )
    .await;
    desk.say("publish DIR --version 0.2.0").await.unwrap();
    let before = desk.published().await;
    refused("publish DIR --version 0.1.0", "--force goes back").await;
    refused("minimum 0.3.0", "nobody could play").await;
    desk.write("index.html", "2");
    refused("publish DIR --version 0.2.0", "published with other files").await;
    let file = desk.dir().join("index.html");
    refused(
        &format!("publish {} --version 0.3.0", file.display()),
        "is not a directory",
    )
    .await;
    for (name, target, part) in [
        ("out", "/etc/hostname", "leads out of"),
        ("loop", ".", "symbolic link to a directory"),
        ("nowhere", "missing", "leads nowhere"),
    ] {
        let link = desk.dir().join(name);
        symlink(target, &link).unwrap();
        refused("publish DIR --version 0.3.0", part).await;
        fs::remove_file(link).unwrap();
    }
    desk.write("back\\slash", "x");
    refused("publish DIR --version 0.3.0", "not every client can store").await;
    fs::remove_file(desk.dir().join("back\\slash")).unwrap();
    let large = fs::File::create(desk.dir().join("large.bin")).unwrap();
    large.set_len(33 << 20).unwrap();
    refused("publish DIR --version 0.3.0", "a file may have").await;
    fs::remove_file(desk.dir().join("large.bin")).unwrap();
    assert_eq!(desk.published().await, before);
    symlink("index.html", desk.dir().join("play.html")).unwrap();
    let said = desk
        .say("publish DIR --version 0.1.0 --force")
        .await
        .unwrap();
    assert!(said.starts_with("published 0.1.0: 2 files"), "{said}");
}

#[test]
fn a_path_stays_where_it_is_put() {
    for good in ["index.html", "maps/a b.json", "..a/b..", ".hidden"] {
        super::collect::check_path(good).unwrap();
    }
    for bad in [
        "", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a\\b", "c:a", "a\nb",
    ] {
        assert!(super::collect::check_path(bad).is_err(), "{bad:?}");
    }
}

#[tokio::test]
async fn an_interrupted_publish_changes_nothing_and_is_gone_on_with() {
    let desk = Desk::new();
    desk.write("a", "1");
    desk.say("publish DIR --version 0.1.0").await.unwrap();
    let before = desk.published().await;
    for (name, content) in [("b", "22"), ("c", "333")] {
        desk.write(name, content);
    }
    desk.faults.full(true);
    let said = desk.say("publish DIR --version 0.2.0").await.unwrap_err();
    assert!(
        said.contains("uploading b") && said.contains("full"),
        "{said}"
    );
    desk.faults.full(false);
    assert_eq!(desk.published().await, before);
    // One file came through before the next attempt ended.
    let publisher = Publisher::open(&desk.log).await.unwrap();
    let name = ContentHash::of(b"22").to_string();
    publisher.store.put_bytes(&name, None, b"22").await.unwrap();
    assert_eq!(desk.published().await, before);
    let said = desk.say("publish DIR --version 0.2.0").await.unwrap();
    assert_eq!(said, "published 0.2.0: 3 files, 1 of them new (3 bytes)\n");
}

#[tokio::test]
async fn what_was_lost_in_the_store_is_mended_by_the_same_publish() {
    let desk = Desk::new();
    desk.write("a", "1");
    desk.write("b", "22");
    desk.say("publish DIR --version 0.1.0").await.unwrap();
    let store = desk.log.objects(STORE).await.unwrap();
    let name = ContentHash::of(b"22").to_string();
    let put = store.info(&name).await.unwrap().unwrap();
    let chunks = desk.log.subjects("OBJ_resources", "$O.resources.C.>");
    for (chunk, _) in chunks.await.unwrap() {
        // A later message of the same subject lets the chunk itself be purged.
        desk.log.send(&chunk, "stray".into(), None).await.unwrap();
        let purged = desk.log.purge("OBJ_resources", &chunk, put.revision).await;
        assert_eq!(purged.unwrap().messages, 1);
    }
    assert!(store.get(&name).await.is_err());
    desk.say("publish DIR --version 0.1.0").await.unwrap();
    assert_eq!(store.get(&name).await.unwrap(), "22");
}

#[tokio::test]
async fn of_two_publishers_one_is_told() {
    let desk = Desk::new();
    desk.write("a", "1");
    desk.say("publish DIR --version 0.1.0").await.unwrap();
    let bucket = desk.log.bucket(BUCKET).await.unwrap();
    let revision = bucket.get(MANIFEST).await.unwrap().unwrap().revision;
    let publisher = Publisher::open(&desk.log).await.unwrap();
    let mine = desk.published().await.unwrap();
    desk.say("publish DIR --version 0.2.0").await.unwrap();
    let late = publisher
        .write(&mine, revision)
        .await
        .unwrap_err()
        .to_string();
    assert!(late.contains("run this again"), "{late}");
    assert_eq!(desk.published().await.unwrap().version.to_string(), "0.2.0");
}

#[tokio::test]
async fn a_manifest_that_cannot_be_read_is_replaced_only_by_force() {
    let desk = Desk::new();
    desk.write("a", "1");
    let bucket = desk.log.bucket(BUCKET).await.unwrap();
    bucket
        .update(MANIFEST, "garbage".into(), Sequence(0))
        .await
        .unwrap();
    let said = desk.say("publish DIR --version 0.1.0").await.unwrap_err();
    assert!(said.contains("--force replaces it"), "{said}");
    desk.say("publish DIR --version 0.1.0 --force")
        .await
        .unwrap();
}

#[tokio::test]
async fn files_of_versions_that_are_kept_stay_and_older_ones_go() {
    let desk = Desk::new();
    for number in 1..=7 {
        desk.write("page", &format!("content {number}"));
        desk.say(&format!("publish DIR --version 0.{number}.0"))
            .await
            .unwrap();
    }
    assert_eq!(desk.objects().await, 7, "young ones are left alone");
    let publisher = Publisher::open(&desk.log).await.unwrap();
    let later = UnixMillis(UnixMillis::now().0 + 60_000);
    assert_eq!(publisher.retire_before(later).await.unwrap(), 2);
    for manifest in publisher.kept().await.unwrap() {
        let name = manifest.files[0].sha256.to_string();
        publisher.store.get(&name).await.unwrap();
    }
    assert_eq!(desk.objects().await, 5);
}

/// The others would have room reserved for them.
const RESOURCES_ONLY: &str = r#"
[bucket.resources]
why = "versions"
history = 5
max_bytes = "32MiB"
max_consumers = 64

[objects.resources]
why = "files"
max_bytes = "64MiB"
max_consumers = 64
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_publisher_may_publish_and_the_edge_may_only_read() {
    let broker = devstack::test::broker_with_users().await.unwrap();
    let users = broker.users().unwrap();
    let as_role = async |role: &str| {
        let credential = users.credential(role).unwrap();
        connect(&broker.url(), Some(&credential), role)
            .await
            .unwrap()
    };
    let admin = as_role("admin").await;
    let file = StreamsFile::parse(RESOURCES_ONLY).unwrap();
    streams::apply(&admin, &file).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("index.html"), "x".repeat(300_000)).unwrap();
    let publisher = as_role("publisher").await;
    let said = say(&publisher, "publish DIR --version 0.1.0", dir.path())
        .await
        .unwrap();
    assert_eq!(
        said,
        "published 0.1.0: 1 files, 1 of them new (300000 bytes)\n"
    );
    let edge = Publisher::open(&as_role("edge").await).await.unwrap();
    let manifest = edge.published().await.unwrap().unwrap();
    let name = manifest.files[0].sha256.to_string();
    assert_eq!(edge.store.get(&name).await.unwrap().len(), 300_000);
    assert!(edge.store.put_bytes("x", None, b"forged").await.is_err());
    assert!(edge.set_minimum("0.1.0".parse().unwrap()).await.is_err());
    fs::write(dir.path().join("index.html"), "2").unwrap();
    say(&publisher, "publish DIR --version 0.2.0", dir.path())
        .await
        .unwrap();
    let later = UnixMillis(UnixMillis::now().0 + 60_000);
    let publisher = Publisher::open(&publisher).await.unwrap();
    assert_eq!(publisher.retire_before(later).await.unwrap(), 0);
}
