//! Streams as files, and files as streams.
//!
//! The broker hands out a stream as an **archive** while it is written to ([`Download`]), and makes
//! a stream of one ([`Upload`]): the same sequences, gaps, times, headers and bytes. What is in an
//! archive is known here ([`Decoder`], [`Encoder`]), so that it can be checked without a broker, and
//! so that a stream can be restored as it was at an earlier message: at the **cut**.
//!
//! Which cut is consistent over several streams says [`Causes`]. What a backup consists of and
//! where it lies is the business of `worldline backup`.
//!
//! Only the real broker can do this; the twin in memory refuses.

mod archive;
mod causes;
mod download;
mod s2;
mod target;
mod upload;

pub use self::archive::{Decoder, Encoder, Item, Message};
pub use self::causes::{Causes, Cut};
pub use self::download::Download;
pub use self::target::{Durable, Head, durables, finish, head, remove};
pub use self::upload::{Upload, restored_config};

use schemas::UnixMillis;
use serde_json::Value;

use crate::EventLog;
use crate::ask::ask;
use crate::backend::nats::{NatsBackend, rfc3339};
use crate::error::ReadError;

/// Why a stream was not copied.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BackupError {
    /// The log is the twin in memory. Use a real broker.
    #[error("the log in memory can be neither backed up nor restored")]
    Twin,
    /// The broker does not answer or refuses; the sentence says what to do.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The broker ended the copy before its end. Begin again.
    #[error("the broker ended the copy of {stream}: {reason}")]
    Ended {
        /// The stream.
        stream: String,
        /// What it said, or that it was silent.
        reason: String,
    },
    /// The broker did not take an archive. Nothing of the stream was made.
    #[error("the broker does not restore {stream}: {reason}")]
    NotTaken {
        /// The stream.
        stream: String,
        /// What it said.
        reason: String,
    },
    /// An archive's bytes are not what was written. Use another backup.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
    /// The broker is older than the format. Use nats-server 2.15 or later.
    #[error(
        "this is not the archive of single messages that nats-server writes since 2.15; use 2.15.1 or later"
    )]
    OldFormat,
}

impl BackupError {
    fn damaged(what: &str) -> Self {
        Self::Damaged(what.to_owned())
    }
}

/// `time` as people and brokers read it: `2026-01-31T12:00:00.123Z`.
#[must_use]
pub fn utc(time: UnixMillis) -> String {
    rfc3339(time)
}

fn broker(log: &EventLog) -> Result<&NatsBackend, BackupError> {
    log.backend.broker().ok_or(BackupError::Twin)
}

/// One request about `stream`, repeated while nobody answers.
async fn request(
    log: &EventLog,
    what: &str,
    verb: &str,
    stream: &str,
    content: &Value,
) -> Result<Value, BackupError> {
    let connection = &broker(log)?.bulk;
    let request = format!("{verb}.{stream}");
    let asked = ask(what, stream, || connection.api(&request, content));
    Ok(asked.await?)
}
