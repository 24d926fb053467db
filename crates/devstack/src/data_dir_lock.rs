//! One stack per data directory.
//!
//! The lock is the kernel's (`flock`), so it is gone the moment its holder is, however it died; the pid in the file is
//! only there to be told to people.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::user::create_open_dirs;

const FILE: &str = "lock";

/// The right to run a stack on a data directory, held until dropped.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
    dir: PathBuf,
}

/// Why the data directory is not ours.
#[derive(Debug, Error)]
pub enum LockError {
    /// Somebody runs on it. Use that one, stop it, or choose another directory.
    #[error("{} is in use by a running worldline (process {pid}): stop it first, or choose another --data-dir", dir.display())]
    Held {
        /// The data directory.
        dir: PathBuf,
        /// The holder, as far as it has said.
        pid: String,
    },
    /// The directory cannot be created or written.
    #[error("the data directory {} cannot be written", dir.display())]
    NotWritable {
        /// The data directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl DataDirLock {
    /// Takes the lock, creating the directory if need be.
    pub fn acquire(dir: &Path) -> Result<DataDirLock, LockError> {
        let not_writable = |source| LockError::NotWritable {
            dir: dir.to_path_buf(),
            source,
        };
        create_open_dirs(dir).map_err(not_writable)?;
        let path = dir.join(FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(not_writable)?;
        // Somebody who merely looks whether a stack runs holds a shared lock for an instant.
        let patience = Instant::now() + Duration::from_millis(200);
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(source)) => return Err(not_writable(source)),
                Err(TryLockError::WouldBlock) if Instant::now() < patience => {
                    std::thread::yield_now()
                }
                Err(TryLockError::WouldBlock) => {
                    let mut pid = String::new();
                    file.read_to_string(&mut pid).ok();
                    return Err(LockError::Held {
                        dir: dir.to_path_buf(),
                        pid: pid.trim().to_owned(),
                    });
                }
            }
        }
        let write = |file: &mut File| {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write(&mut file).map_err(not_writable)?;
        Ok(DataDirLock {
            _file: file,
            dir: dir.to_path_buf(),
        })
    }

    /// The directory that is ours.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether somebody holds the lock of `dir` now.
    pub(crate) fn is_held(dir: &Path) -> bool {
        let Ok(file) = fs::File::open(dir.join(FILE)) else {
            return false;
        };
        matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_refused_and_told_who_the_first_is() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let first = DataDirLock::acquire(dir.path()).expect("the first");
        assert!(DataDirLock::is_held(dir.path()));
        let refused = DataDirLock::acquire(dir.path())
            .expect_err("the second")
            .to_string();
        assert!(
            refused.contains(&std::process::id().to_string()),
            "{refused}"
        );
        drop(first);
        assert!(!DataDirLock::is_held(dir.path()));
        DataDirLock::acquire(dir.path()).expect("after the first has gone");
    }

    #[test]
    fn a_file_in_the_way_is_one_sentence() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("file");
        fs::write(&file, "").expect("a file");
        assert!(matches!(
            DataDirLock::acquire(&file.join("data")),
            Err(LockError::NotWritable { .. })
        ));
    }
}
