//! An archive on its way into the broker, where it becomes a stream.

use std::time::Duration;

use bytes::Bytes;
use schemas::{Incarnation, Sequence};
use serde_json::{Value, json};

use super::{BackupError, broker, request};
use crate::EventLog;
use crate::backend::nats::NoAnswer;
use crate::lineage::Lineage;
use crate::streams::{INCARNATION, RESTORING};

/// How long the broker may take for one piece.
const PIECE_WAIT: Duration = Duration::from_secs(20);
/// How long it may take to make a stream of all of them.
const WHOLE_WAIT: Duration = Duration::from_secs(600);
/// The most that is sent in one message, in bytes; the broker takes 4 MB.
const PIECE: usize = 1 << 20;

/// An archive on its way into the broker.
pub struct Upload<'a> {
    log: &'a EventLog,
    stream: String,
    subject: String,
}

/// The configuration under which the copy of a stream is restored: a new life of it, whose parent is
/// the life that the copy was taken of, up to `cut`; and marked as unfinished by `backup`.
///
/// # Errors
/// When `config` names no life.
pub fn restored_config(
    config: &Value,
    cut: Sequence,
    replicas: Option<u8>,
    backup: &str,
) -> Result<Value, BackupError> {
    let parent = Lineage::of_config(config)
        .ok_or_else(|| BackupError::damaged("the configuration names no incarnation"))?;
    let mut config = config.clone();
    if let Some(metadata) = config["metadata"].as_object_mut() {
        // The server writes its own.
        metadata.retain(|name, _| !name.starts_with("_nats."));
    }
    let child = parent.child(Incarnation(rand::random()), cut);
    config["metadata"][INCARNATION] = child.incarnation().to_string().into();
    child.write(&mut config);
    config["metadata"][RESTORING] = backup.into();
    if let Some(replicas) = replicas {
        config["num_replicas"] = replicas.into();
    }
    Ok(config)
}

impl<'a> Upload<'a> {
    /// Begins to restore the stream that `config` names, which must not exist.
    ///
    /// # Errors
    /// When the broker does not answer, or refuses.
    pub async fn begin(log: &'a EventLog, config: &Value) -> Result<Self, BackupError> {
        let stream = config["name"].as_str().unwrap_or_default().to_owned();
        // The broker reads the state from the archive; here it wants only a form.
        let wish = json!({ "config": config, "state": { "messages": 0 } });
        let answer = request(log, "the restoring", "STREAM.RESTORE", &stream, &wish).await?;
        let subject = answer["deliver_subject"].as_str().unwrap_or_default();
        Ok(Self {
            log,
            subject: subject.to_owned(),
            stream,
        })
    }

    /// Sends the next bytes.
    ///
    /// # Errors
    /// When the broker does not take them.
    pub async fn send(&self, bytes: Vec<u8>) -> Result<(), BackupError> {
        let mut bytes = Bytes::from(bytes);
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE));
            let answer = self.ask(piece, PIECE_WAIT).await?;
            if !answer.is_empty() {
                return Err(self.not_taken(&String::from_utf8_lossy(&answer)));
            }
        }
        Ok(())
    }

    /// All has been sent: waits until the stream is there.
    ///
    /// # Errors
    /// When the broker makes no stream of it.
    pub async fn finish(self) -> Result<(), BackupError> {
        let answer = self.ask(Bytes::new(), WHOLE_WAIT).await?;
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        match answer["error"]["description"].as_str() {
            Some(error) => Err(self.not_taken(error)),
            None if answer["state"].is_object() => Ok(()),
            None => Err(self.not_taken("it answers what nobody understands")),
        }
    }

    async fn ask(&self, piece: Bytes, wait: Duration) -> Result<Bytes, BackupError> {
        let connection = &broker(self.log)?.bulk;
        match connection.ask(&self.subject, None, piece, wait).await {
            Ok(answer) => Ok(answer.payload),
            Err(NoAnswer::Silent(reason)) => Err(self.not_taken(&reason)),
            Err(NoAnswer::Denied(subject)) => {
                Err(self.not_taken(&format!("the user may not use {subject}")))
            }
            Err(NoAnswer::TooLarge) => Err(self.not_taken("a piece is too large for it")),
        }
    }

    fn not_taken(&self, reason: &str) -> BackupError {
        BackupError::NotTaken {
            stream: self.stream.clone(),
            reason: reason.to_owned(),
        }
    }
}
