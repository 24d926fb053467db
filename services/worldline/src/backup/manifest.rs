//! What a backup says about itself.
//!
//! It is written when everything else is on the disk, under another name, and then gets its own: a
//! directory without a manifest is a backup that was not finished. A digest beside it makes a
//! changed one known.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use eventlog::backup::Durable;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The version of the format that this build writes, and the newest that it reads.
const FORMAT: u16 = 1;
const MANIFEST: &str = "manifest.json";
const CHECK: &str = "manifest.sha256";

/// A backup.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// [`FORMAT`] of the writer.
    pub(super) format: u16,
    /// Its own name, in logs and in streams that are being restored from it.
    pub(super) id: String,
    /// The version of the program that made it.
    pub(super) build: String,
    /// The moment, for people.
    pub(super) at: String,
    /// The moment, by the broker's clock: nanoseconds since 1970.
    pub(super) nanos: i64,
    /// Of the realm's keys: with others, nothing sealed in it can be read.
    pub(super) keys: String,
    /// Whether the keys are in it.
    pub(super) with_keys: bool,
    /// What it holds.
    pub(super) streams: Vec<Copied>,
}

/// A stream in a backup.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Copied {
    /// The stream.
    pub(super) name: String,
    /// Its configuration, with the incarnation.
    pub(super) config: Value,
    /// Size of its archive in bytes.
    pub(super) bytes: u64,
    /// SHA-256 of its archive.
    pub(super) sha256: String,
    /// The last sequence that it had given; messages after it are not restored.
    pub(super) cut: u64,
    /// The first message, if there is one.
    pub(super) first: Option<u64>,
    /// How many messages there are up to the cut.
    pub(super) messages: u64,
    /// How many there are after it.
    pub(super) beyond: u64,
    /// SHA-256 over all messages up to the cut: places, times, subjects, headers, bytes.
    pub(super) content: String,
    /// Its durable consumers, and how far their work was done before the moment.
    pub(super) durables: Vec<Durable>,
}

/// A manifest, and where it was found.
#[derive(Debug)]
pub(super) struct Backup {
    /// Its directory.
    pub(super) dir: PathBuf,
    /// What it says.
    pub(super) manifest: Manifest,
}

impl Manifest {
    /// The one of format [`FORMAT`], with nothing in it yet.
    pub(super) fn new(id: String, at: String, nanos: i64, keys: String, with_keys: bool) -> Self {
        Self {
            format: FORMAT,
            id,
            build: env!("CARGO_PKG_VERSION").to_owned(),
            at,
            nanos,
            keys,
            with_keys,
            streams: Vec::new(),
        }
    }

    /// Writes it into `dir`, the last thing that is written there.
    pub(super) fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        put(&dir.join(CHECK), hex(&Sha256::digest(&text)).as_bytes())?;
        let unfinished = dir.join("manifest.json.unfinished");
        put(&unfinished, &text)?;
        sync(dir)?;
        let path = dir.join(MANIFEST);
        fs::rename(&unfinished, &path).with_context(|| format!("writing {}", path.display()))?;
        sync(dir)
    }
}

impl Backup {
    /// Reads the manifest of the backup in `dir`.
    pub(super) fn open(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join(MANIFEST);
        let Ok(text) = fs::read(&path) else {
            bail!(missing(dir));
        };
        let format: Value = serde_json::from_slice(&text).unwrap_or_default();
        if let Some(format) = format["format"].as_u64()
            && format > u64::from(FORMAT)
        {
            let build = env!("CARGO_PKG_VERSION");
            bail!(
                "{} is of format {format}; this version ({build}) reads formats up to {FORMAT}: use the version that made it, or a later one",
                path.display()
            );
        }
        let check = fs::read_to_string(dir.join(CHECK)).unwrap_or_default();
        ensure!(
            check == hex(&Sha256::digest(&text)),
            "{} is damaged: it is not what was written; use another backup",
            path.display()
        );
        let manifest = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not understood", path.display()))?;
        let dir = dir.to_path_buf();
        Ok(Self { dir, manifest })
    }

    /// Where the archive of a stream is.
    pub(super) fn archive(&self, name: &str) -> PathBuf {
        archive(&self.dir, name)
    }
}

/// Where the archive of a stream is in the backup in `dir`.
pub(super) fn archive(dir: &Path, name: &str) -> PathBuf {
    dir.join("streams").join(format!("{name}.s2"))
}

/// What to say of a directory without manifest.
fn missing(dir: &Path) -> String {
    let shown = dir.display();
    if dir.join("streams").is_dir() {
        return format!(
            "{shown} is a backup that was not finished: it has no {MANIFEST}; use another, and remove this one"
        );
    }
    let below = fs::read_dir(dir).into_iter().flatten().flatten();
    let whole = below.filter(|entry| entry.path().join(MANIFEST).is_file());
    match whole.map(|entry| entry.path()).max() {
        Some(newest) => format!(
            "{shown} is no backup, but there are some in it; the newest is {}",
            newest.display()
        ),
        None => format!("{shown} is no backup: it has no {MANIFEST}"),
    }
}

/// Writes a file that was not there, and waits until it is on the disk.
fn put(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let write = || {
        let mut file = File::create_new(path)?;
        std::io::Write::write_all(&mut file, content)?;
        file.sync_all()
    };
    write().with_context(|| format!("writing {}", path.display()))
}

/// Waits until the names in a directory are on the disk.
pub(super) fn sync(dir: &Path) -> anyhow::Result<()> {
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.with_context(|| format!("writing {}", dir.display()))
}

/// Lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let at = "2026-01-31T12:00:00Z".to_owned();
        Manifest::new("b1".to_owned(), at, 1, "k".to_owned(), false)
    }

    fn refused(dir: &Path) -> String {
        Backup::open(dir).unwrap_err().to_string()
    }

    #[test]
    fn a_changed_manifest_is_found_out() {
        let dir = tempfile::tempdir().unwrap();
        manifest().write(dir.path()).unwrap();
        assert_eq!(Backup::open(dir.path()).unwrap().manifest.id, "b1");
        let path = dir.path().join(MANIFEST);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("b1", "b2")).unwrap();
        assert!(refused(dir.path()).contains("damaged"));
    }

    #[test]
    fn a_newer_format_and_an_unfinished_backup_are_named_as_such() {
        let dir = tempfile::tempdir().unwrap();
        assert!(refused(dir.path()).contains("is no backup"));
        let newer = Manifest {
            format: FORMAT + 1,
            ..manifest()
        };
        let inner = dir.path().join("inner");
        fs::create_dir(&inner).unwrap();
        newer.write(&inner).unwrap();
        assert!(refused(&inner).contains("is of format 2"));
        assert!(refused(dir.path()).contains("the newest is"));
        fs::remove_file(inner.join(MANIFEST)).unwrap();
        fs::create_dir(inner.join("streams")).unwrap();
        assert!(refused(&inner).contains("not finished"));
    }
}
