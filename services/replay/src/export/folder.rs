//! The directory of an export, and what makes its contents true at once.
//!
//! A **commit** has four steps, and a crash between any two of them loses and doubles nothing:
//! 1. the parts are written whole under names that end in `.part`, and are on the disk;
//! 2. what is known of the areas up to there is kept under `_state/`, sealed where ids of people are pseudonyms;
//! 3. the manifest that names the parts and how far they reach takes the place of the one before. This is the moment
//!    from which the rows are part of the export;
//! 4. the parts get their names.
//!
//! Whoever opens the directory next finishes step 4 and removes parts that no manifest names; a run that fails tries so
//! much itself. So no file under its final name is ever half-written, or unknown to the manifest.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::manifest::{Manifest, Part, Reached, Skip, VERSION, columns};
use super::pseudonyms::Keeper;
use super::selection::Selection;
use crate::ReplayError;

/// What an export is and how far it has come.
pub(super) const MANIFEST: &str = "_manifest.json";
/// What is kept to go on.
const STATE: &str = "_state";
/// The end of the name of a file that is not true yet.
pub(super) const UNFINISHED: &str = ".part";

/// The directory of an export.
pub(super) struct Folder {
    root: PathBuf,
    manifest: Manifest,
    /// Seals what is kept to go on; `None`: real ids were asked for.
    keeper: Option<Keeper>,
    /// Held as long as this lives.
    _lock: File,
}

/// What a commit adds.
pub(super) struct Commit {
    pub(super) stream: String,
    pub(super) reached: Reached,
    pub(super) parts: Vec<Part>,
    pub(super) skipped: Vec<Skip>,
    /// What is known of the areas behind it; empty: nothing has to be.
    pub(super) state: Vec<u8>,
}

/// `result` of doing something to `path`.
pub(super) fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, ReplayError> {
    result.map_err(|source| ReplayError::Unwritable {
        path: path.to_owned(),
        source,
    })
}

impl Folder {
    /// Opens the export in `root`, or begins one there.
    pub(super) fn open(
        root: &Path,
        selection: Selection,
        keeper: Option<Keeper>,
    ) -> Result<Self, ReplayError> {
        let manifest = root.join(MANIFEST);
        if !manifest.exists() && holds_something(root)? {
            return Err(ReplayError::Exists(root.to_owned()));
        }
        let state = root.join(STATE);
        at(&state, fs::create_dir_all(&state))?;
        let lock = lock(&state.join("lock"))?;
        let folder = Self {
            root: root.to_owned(),
            manifest: match read(&manifest)? {
                Some(manifest) => manifest,
                None => Manifest::new(selection.clone()),
            },
            keeper,
            _lock: lock,
        };
        if let Some(difference) = folder.manifest.selection.difference(&selection) {
            return Err(ReplayError::Usage(format!(
                "{} holds an export with {difference}: ask for the same, or name another directory",
                root.display()
            )));
        }
        if !manifest.exists() {
            folder.write_manifest()?;
        }
        folder.give_names(&folder.manifest)?;
        folder.clean()?;
        Ok(folder)
    }

    /// Where it is.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// What it holds.
    pub(super) const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What was known of the areas behind the last message of `stream` that is in the export.
    pub(super) fn state(&self, reached: &Reached) -> Result<Option<Vec<u8>>, ReplayError> {
        let Some(name) = &reached.state else {
            return Ok(None);
        };
        let path = self.root.join(name);
        let lost = |why: &str| {
            ReplayError::Broken(format!(
                "{} cannot be read ({why}), so the export cannot go on: export to another directory",
                path.display()
            ))
        };
        let bytes = fs::read(&path).map_err(|error| lost(&error.to_string()))?;
        match &self.keeper {
            None => Ok(Some(bytes)),
            Some(keeper) => match keeper.open(&bytes) {
                Some(bytes) => Ok(Some(bytes)),
                None => Err(lost("it was sealed with another key, or changed")),
            },
        }
    }

    /// See the file.
    pub(super) fn commit(&mut self, commit: Commit) -> Result<(), ReplayError> {
        let Commit {
            stream,
            mut reached,
            parts,
            skipped,
            state,
        } = commit;
        let before = self.manifest.streams.get(&stream);
        let outdated = before.and_then(|before| before.state.clone());
        if !state.is_empty() {
            let name = format!("{STATE}/{stream}-{}", reached.to);
            let state = match &self.keeper {
                Some(keeper) => keeper.seal(&state).unwrap_or_default(),
                None => state,
            };
            self.replace(&name, &state)?;
            reached.state = Some(name);
        }
        let mut next = self.manifest.clone();
        next.newest = next.files.len();
        next.rows += parts.iter().map(|part| part.rows).sum::<u64>();
        next.files.extend(parts);
        next.skipped.extend(skipped);
        let kept = reached.state.clone();
        next.streams.insert(stream, reached);
        let before = std::mem::replace(&mut self.manifest, next);
        if let Err(error) = self.write_manifest() {
            self.manifest = before;
            return Err(error);
        }
        self.give_names(&self.manifest)?;
        if let Some(outdated) = outdated.filter(|outdated| Some(outdated) != kept.as_ref()) {
            // If it stays, it is in nobody's way.
            drop(fs::remove_file(self.root.join(outdated)));
        }
        Ok(())
    }

    /// Removes parts that were begun and not committed. Whether a commit that failed late is true says the manifest on
    /// the disk, not what is known of it here: its parts get their names first, and as long as they cannot, nothing is
    /// removed.
    pub(super) fn discard(&self) {
        let done = read(&self.root.join(MANIFEST)).and_then(|written| match written {
            Some(written) => self.give_names(&written).and_then(|()| self.clean()),
            None => Ok(()),
        });
        if let Err(error) = done {
            eprintln!("{:#}", anyhow::Error::new(error));
        }
    }

    fn write_manifest(&self) -> Result<(), ReplayError> {
        let mut text = Vec::new();
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b" ");
        let mut writer = serde_json::Serializer::with_formatter(&mut text, formatter);
        let path = self.root.join(MANIFEST);
        let written = self.manifest.serialize(&mut writer);
        at(&path, written.map_err(io::Error::from))?;
        text.push(b'\n');
        self.replace(MANIFEST, &text)
    }

    /// Writes a small file, whole or not at all.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), ReplayError> {
        let path = self.root.join(name);
        let unfinished = self.root.join(format!("{name}{UNFINISHED}"));
        let written = (|| {
            let mut file = File::create(&unfinished)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)?;
            sync_directory(&path)
        })();
        if written.is_err() {
            drop(fs::remove_file(&unfinished));
        }
        at(&path, written)
    }

    /// Gives the parts of `manifest`'s last commit their names; those that have them, or that somebody has taken away
    /// since, are left alone.
    fn give_names(&self, manifest: &Manifest) -> Result<(), ReplayError> {
        for part in manifest.files.iter().skip(manifest.newest) {
            let path = self.root.join(&part.path);
            let unfinished = self.root.join(format!("{}{UNFINISHED}", part.path));
            if unfinished.exists() {
                at(&path, fs::rename(&unfinished, &path))?;
                at(&path, sync_directory(&path))?;
            }
        }
        Ok(())
    }

    /// Removes what no manifest names.
    fn clean(&self) -> Result<(), ReplayError> {
        for stream in directories(&self.root, "stream=")? {
            for day in directories(&stream, "day=")? {
                for area in directories(&day, "area=")? {
                    clean_one(&area)?;
                    // Only what is empty can be removed this way.
                    drop(fs::remove_dir(&area));
                }
                drop(fs::remove_dir(&day));
            }
            drop(fs::remove_dir(&stream));
        }
        Ok(())
    }
}

fn clean_one(directory: &Path) -> Result<(), ReplayError> {
    for entry in at(directory, fs::read_dir(directory))? {
        let entry = at(directory, entry)?;
        let path = entry.path();
        let is_file = at(&path, entry.file_type())?.is_file();
        if is_file && entry.file_name().to_string_lossy().ends_with(UNFINISHED) {
            at(&path, fs::remove_file(&path))?;
        }
    }
    Ok(())
}

fn directories(within: &Path, prefix: &str) -> Result<Vec<PathBuf>, ReplayError> {
    let mut found = Vec::new();
    for entry in at(within, fs::read_dir(within))? {
        let entry = at(within, entry)?;
        let is_directory = at(&entry.path(), entry.file_type())?.is_dir();
        if is_directory && entry.file_name().to_string_lossy().starts_with(prefix) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Whether there is anything but what an export that never got to its first manifest leaves behind.
fn holds_something(root: &Path) -> Result<bool, ReplayError> {
    if !root.exists() {
        return Ok(false);
    }
    for entry in at(root, fs::read_dir(root))? {
        let name = at(root, entry)?.file_name();
        if name != STATE && name != format!("{MANIFEST}{UNFINISHED}").as_str() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn read(path: &Path) -> Result<Option<Manifest>, ReplayError> {
    let damaged = |why: &dyn std::fmt::Display| {
        ReplayError::Broken(format!(
            "{} is not the manifest of an export that this build can go on with ({why}): export to another directory",
            path.display()
        ))
    };
    let text = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|error| damaged(&error))?,
    };
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| damaged(&error))?;
    if manifest.version != VERSION {
        return Err(damaged(&format!("version {}", manifest.version)));
    }
    if manifest.columns != columns() {
        return Err(damaged(&"its columns are others"));
    }
    Ok(Some(manifest))
}

fn lock(path: &Path) -> Result<File, ReplayError> {
    let file = at(path, File::create(path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ReplayError::Usage(format!(
            "another export is writing there ({} is locked): wait for its end",
            path.display()
        ))),
        Err(TryLockError::Error(source)) => at(path, Err(source)),
    }
}

/// Makes a file's name as durable as its bytes.
fn sync_directory(of: &Path) -> io::Result<()> {
    match of.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use schemas::{Sequence, UnixMillis};

    use super::super::ExportArgs;
    use super::super::manifest::Place;
    use super::*;

    fn part(path: &str) -> Part {
        let place = Place {
            log_position: Sequence(1),
            event_index: 0,
        };
        Part {
            path: path.to_owned(),
            rows: 1,
            bytes: 1,
            sha256: String::new(),
            first: place,
            last: place,
            earliest: UnixMillis(0),
            latest: UnixMillis(0),
        }
    }

    #[test]
    fn parts_of_a_manifest_that_got_to_the_disk_are_not_discarded() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let selection = Selection::new(&ExportArgs::default(), "real".to_owned()).unwrap();
        let mut folder = Folder::open(root, selection, None).unwrap();
        let area = "stream=S/day=D/area=A";
        let [named, begun] = ["one", "two"].map(|name| format!("{area}/{name}"));
        let there = |name: &str| root.join(name).exists();
        fs::create_dir_all(root.join(area)).unwrap();
        for path in [&named, &begun] {
            fs::write(root.join(format!("{path}{UNFINISHED}")), "1").unwrap();
        }
        // Its rename was done and the sync after it was not: to this process it is not written.
        let before = folder.manifest.clone();
        folder.manifest.files.push(part(&named));
        folder.write_manifest().unwrap();
        folder.manifest = before;

        folder.discard();
        assert!(there(&named));
        assert!(!there(&format!("{begun}{UNFINISHED}")));
        assert!(!there(&begun));
    }

    #[test]
    fn nothing_is_discarded_when_the_manifest_cannot_be_read() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let selection = Selection::new(&ExportArgs::default(), "real".to_owned()).unwrap();
        let folder = Folder::open(root, selection, None).unwrap();
        let area = root.join("stream=S/day=D/area=A");
        fs::create_dir_all(&area).unwrap();
        let begun = area.join(format!("one{UNFINISHED}"));
        fs::write(&begun, "1").unwrap();
        for damage in [Some("{"), None] {
            match damage {
                Some(text) => fs::write(root.join(MANIFEST), text).unwrap(),
                None => fs::remove_file(root.join(MANIFEST)).unwrap(),
            }
            folder.discard();
            assert!(begun.exists(), "{damage:?}");
        }
    }
}
