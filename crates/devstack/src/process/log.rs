//! A server's log file: appended to over restarts, moved aside when large, asked when a start fails.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::{ServerError, ServerProcess};

/// A log larger than this, in bytes, is moved aside when its server starts.
const LARGE: u64 = 16 << 20;

/// The part of a log file that one run of a server writes.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    /// Where this run begins, in bytes.
    from: u64,
}

impl Log {
    /// Opens the file for a server that is about to start.
    pub(super) fn open(path: &Path) -> io::Result<(Log, File)> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        if fs::metadata(path).is_ok_and(|log| log.len() > LARGE) {
            fs::rename(path, path.with_added_extension("old"))?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let from = file.metadata()?.len();
        Ok((
            Log {
                path: path.to_path_buf(),
                from,
            },
            file,
        ))
    }

    fn text(&self) -> String {
        let read = || -> io::Result<String> {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(self.from))?;
            let mut bytes = Vec::new();
            file.take(LARGE).read_to_end(&mut bytes)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        read().unwrap_or_default()
    }
}

impl ServerProcess {
    /// What the server has logged since it was started.
    pub(crate) fn log(&self) -> String {
        self.log.text()
    }

    /// The error for a server that ended while it should have become ready, with its last complaint.
    pub(crate) fn ended_early(&self, status: ExitStatus) -> ServerError {
        let log = self.log();
        let complains = |line: &&str| {
            ["FATAL", "[ERR]", "[FTL]", "rror"]
                .iter()
                .any(|word| line.contains(word))
        };
        let spoken = || log.lines().rev().filter(|line| !line.trim().is_empty());
        let said = spoken()
            .find(complains)
            .or_else(|| spoken().next())
            .unwrap_or("it said nothing");
        let (said, log_file) = (said.trim().to_owned(), self.log.path.clone());
        ServerError::EndedEarly {
            server: self.server,
            status,
            said,
            log_file,
        }
    }
}
