//! Streams and buckets as data: `nats/streams.toml`, applied by one idempotent command.

use std::fmt;

use crate::EventLog;
use crate::error::ReadError;

/// What `nats/streams.toml` says.
#[derive(Debug, Clone)]
pub struct StreamsFile {}

/// Why a streams file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("streams.toml: {0}")]
pub struct StreamsFileError(String);

impl StreamsFile {
    /// The file that this build was made with.
    ///
    /// # Errors
    /// When it is not well formed, which a test excludes.
    pub fn built_in() -> Result<Self, StreamsFileError> {
        todo!()
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// When it is not well formed.
    pub fn parse(text: &str) -> Result<Self, StreamsFileError> {
        Err(StreamsFileError(text.to_owned()))
    }

    /// With so many replicas of every stream: 1 on a laptop, 3 in a cluster.
    #[must_use]
    pub fn with_replicas(self, replicas: u8) -> Self {
        let _ = replicas;
        self
    }
}

/// One difference between the file and the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The stream.
    pub stream: String,
    /// A sentence.
    pub what: String,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.stream, self.what)
    }
}

/// What `apply` has done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Streams it created.
    pub created: Vec<String>,
    /// Streams it changed.
    pub changed: Vec<String>,
    /// Streams that were as they should be.
    pub unchanged: Vec<String>,
}

/// Makes the broker's streams what the file says. Creates and changes; never deletes. Idempotent.
///
/// # Errors
/// See [`ReadError`]; `Refused` when the broker cannot change a field in place.
pub async fn apply(log: &EventLog, file: &StreamsFile) -> Result<Report, ReadError> {
    let _ = log;
    todo!("{file:?}")
}

/// Reports every difference and changes nothing.
///
/// # Errors
/// See [`ReadError`].
pub async fn check(log: &EventLog, file: &StreamsFile) -> Result<Vec<Drift>, ReadError> {
    let _ = log;
    todo!("{file:?}")
}
