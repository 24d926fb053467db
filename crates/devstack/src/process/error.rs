//! What can happen to a server we start.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use thiserror::Error;

use crate::user::StepDownError;

/// Why a server does not run, or does not do as told.
#[derive(Debug, Error)]
pub enum ServerError {
    /// Another program listens there: choose another port, or end that program.
    #[error(
        "{server} cannot listen on port {port}: it is taken (choose another, or end what listens there)"
    )]
    PortTaken {
        /// Which server.
        server: &'static str,
        /// The port asked for.
        port: u16,
    },
    /// A file or directory of the server cannot be read or written: fix the permissions or choose another data directory.
    #[error("{server} needs {}, which cannot be used", path.display())]
    Data {
        /// Which server.
        server: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// We are root and could not make a place for the unprivileged user.
    #[error(transparent)]
    StepDown(#[from] StepDownError),
    /// The process could not be started.
    #[error("{server} could not be started")]
    Spawn {
        /// Which server.
        server: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// It ended before it was ready; its log says why.
    #[error("{server} ended ({status}) before it was ready: {said} (more in {})", log_file.display())]
    EndedEarly {
        /// Which server.
        server: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// The last complaint in its log.
        said: String,
        /// Its log.
        log_file: PathBuf,
    },
    /// It runs but does not answer.
    #[error("{server} was not ready within {within:?} (its log is {})", log_file.display())]
    NotReady {
        /// Which server.
        server: &'static str,
        /// How long we waited.
        within: Duration,
        /// Its log.
        log_file: PathBuf,
    },
    /// A process left over from an earlier run holds the data and does not go away: end it by hand.
    #[error(
        "process {pid}, left over from an earlier run of {server}, does not end: end it by hand"
    )]
    Orphan {
        /// Which server.
        server: &'static str,
        /// The process.
        pid: u32,
    },
    /// A signal could not be sent.
    #[error("{server} could not be sent {signal}")]
    Signal {
        /// Which server.
        server: &'static str,
        /// The signal's name.
        signal: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The system would not tell whether it has ended.
    #[error("{server} could not be waited for")]
    Wait {
        /// Which server.
        server: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A helper program of the server (`initdb`, `psql`) failed.
    #[error("{program} failed: {said}")]
    Helper {
        /// Which program.
        program: &'static str,
        /// Its last words.
        said: String,
    },
    /// The users' file does not make a configuration.
    #[error("the broker's users cannot be configured: {0}")]
    Users(#[from] crate::nats::UsersError),
}
