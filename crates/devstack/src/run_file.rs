//! `run.json`: how other programs on this machine find a running stack.
//!
//! It names addresses and the broker's credentials, so only its owner may read it. It is written whole (a rename), and
//! means nothing unless the data directory's lock is held: a stack that was killed leaves the file but not the lock.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::data_dir_lock::DataDirLock;
use crate::nats::Credential;

const FILE: &str = "run.json";

/// A running stack, as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFile {
    /// The process that runs it.
    pub pid: u32,
    /// Where the game is served, `http://127.0.0.1:7777`.
    pub http_url: String,
    /// The broker.
    pub nats: BrokerAccess,
    /// The database, as a URL with user and database name.
    pub postgres_url: String,
}

/// How to reach the broker, role by role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerAccess {
    /// `nats://127.0.0.1:PORT`, without credentials; of a cluster all of them, separated by commas.
    pub url: String,
    /// One user for each role; empty when the broker is open to all.
    pub users: BTreeMap<String, Credential>,
}

/// Why no running stack was found.
#[derive(Debug, Error)]
pub enum RunFileError {
    /// Nothing runs on this data directory: start it, or name another directory or `--nats`.
    #[error("nothing is running on {}: start `worldline up`, or name its --data-dir (or the broker with --nats)", dir.display())]
    NotRunning {
        /// Where we looked.
        dir: PathBuf,
    },
    /// It runs, but the file cannot be read, most often because another user started it.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not what this version writes.
    #[error("{} is not understood: is the running worldline of another version?", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Where it stopped making sense.
        source: serde_json::Error,
    },
}

impl RunFile {
    /// Finds the stack that runs on `data_dir`.
    pub fn find(data_dir: &Path) -> Result<RunFile, RunFileError> {
        let not_running = || RunFileError::NotRunning {
            dir: data_dir.to_path_buf(),
        };
        if !DataDirLock::is_held(data_dir) {
            return Err(not_running());
        }
        let path = data_dir.join(FILE);
        let bytes = fs::read(&path).map_err(|source| match source.kind() {
            // Still starting: the file is written last.
            io::ErrorKind::NotFound => not_running(),
            _ => RunFileError::Unreadable {
                path: path.clone(),
                source,
            },
        })?;
        serde_json::from_slice(&bytes).map_err(|source| RunFileError::Invalid { path, source })
    }

    /// Writes the file, readable by its owner only. `_lock` proves that the stack is ours.
    pub fn write(&self, lock: &DataDirLock) -> io::Result<()> {
        write_secret(&lock.dir().join(FILE), &serde_json::to_vec_pretty(self)?)
    }

    /// Removes the file of a stack that ends.
    pub fn remove(lock: &DataDirLock) -> io::Result<()> {
        match fs::remove_file(lock.dir().join(FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The credential of a role; `None` when the broker is open, or has no such role.
    pub fn credential(&self, role: &str) -> Option<&Credential> {
        self.nats.users.get(role)
    }
}

/// Replaces the file at `path` in one step by one that only its owner can read.
pub(crate) fn write_secret(path: &Path, contents: &[u8]) -> io::Result<()> {
    let fresh = path.with_added_extension("new");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(contents)?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn example() -> RunFile {
        let credential = Credential {
            user: "edge".to_owned(),
            password: "not a real one".to_owned(),
            inbox_prefix: "_INBOX.edge".to_owned(),
        };
        RunFile {
            pid: 1,
            http_url: "http://127.0.0.1:7777".to_owned(),
            nats: BrokerAccess {
                url: "nats://127.0.0.1:4222".to_owned(),
                users: BTreeMap::from([("edge".to_owned(), credential)]),
            },
            postgres_url: "postgres://worldline@127.0.0.1:5432/worldline".to_owned(),
        }
    }

    #[test]
    fn it_is_found_while_the_stack_runs_and_not_after() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let lock = DataDirLock::acquire(dir.path()).expect("the lock");
        assert!(
            matches!(
                RunFile::find(dir.path()),
                Err(RunFileError::NotRunning { .. })
            ),
            "before it is written"
        );
        example().write(&lock).expect("written");
        assert_eq!(RunFile::find(dir.path()).expect("found"), example());
        drop(lock);
        assert!(
            matches!(
                RunFile::find(dir.path()),
                Err(RunFileError::NotRunning { .. })
            ),
            "after a kill -9"
        );
    }

    #[test]
    fn only_the_owner_reads_it() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let lock = DataDirLock::acquire(dir.path()).expect("the lock");
        example().write(&lock).expect("written");
        let mode = fs::metadata(dir.path().join(FILE))
            .expect("the file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn passwords_do_not_reach_a_debug_print() {
        assert!(!format!("{:?}", example()).contains("not a real one"));
    }
}
