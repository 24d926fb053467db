//! Files that subcommands write: whole under their name, or not there.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::ReplayError;

/// Where a file is written before it gets its name.
pub(crate) fn part(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

/// Writes a file that must not be there yet.
pub(crate) fn whole_file(path: &Path, bytes: &[u8]) -> Result<(), ReplayError> {
    if path.try_exists().unwrap_or(false) {
        return Err(ReplayError::Exists(path.to_owned()));
    }
    replace_file(path, bytes)
}

/// Writes a file in place of the one that may be there.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), ReplayError> {
    let part = part(path);
    written(&part, path, bytes).map_err(|source| {
        // Half a file helps nobody; if it cannot be removed either, its name says what it is.
        fs::remove_file(&part).ok();
        ReplayError::Unwritable {
            path: path.to_owned(),
            source,
        }
    })
}

fn written(part: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(part, path)
}
