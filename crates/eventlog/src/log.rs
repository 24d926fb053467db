//! The log itself, and what is read of it with one question.

use std::sync::Arc;
use std::time::Duration;

use schemas::{Digest, Incarnation, Sequence};
use serde_json::Value;

use crate::ask::{ask, stream_of};
use crate::backend::{Backend, Lane, StreamState};
use crate::error::{PositionError, ReadError};
use crate::lineage::Lineage;
use crate::record::{Position, Record, StreamInfo};
use crate::streams::{INCARNATION, RESTORING};

/// A handle on the log; cheap to clone, shared by all tasks of a process.
#[derive(Clone)]
pub struct EventLog {
    pub(crate) backend: Arc<dyn Backend>,
}

impl EventLog {
    /// The last message of `subject` (which may hold wildcards), from the leader.
    ///
    /// # Errors
    /// See [`ReadError`]; an empty subject is `Ok(None)`.
    pub async fn last(&self, subject: &str) -> Result<Option<Record>, ReadError> {
        let stream = stream_of(subject)?;
        let question = || self.backend.last(Lane::Hot, &stream, subject);
        let last = ask("the last message", &stream, question).await?;
        Ok(last.map(Record::from))
    }

    /// The message at `sequence`, from the leader; `None` if it was removed or never was.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn get(&self, stream: &str, sequence: Sequence) -> Result<Option<Record>, ReadError> {
        let question = || self.backend.get(stream, sequence, None);
        let found = ask("one message", stream, question).await?;
        Ok(found.map(Record::from))
    }

    /// What a stream holds, from its leader.
    ///
    /// # Errors
    /// See [`ReadError`]; `Refused` for a stream without incarnation, which no `streams apply` made,
    /// and for one that has been restored in part only.
    pub async fn stream_info(&self, stream: &str) -> Result<StreamInfo, ReadError> {
        let question = || self.backend.state(stream, None);
        let state = ask("the state", stream, question).await?;
        info(stream, &state)
    }

    /// Compares a stored position with the stream: incarnation, head, and the digest of the
    /// message there (a position at a message that was archived and purged is accepted).
    ///
    /// # Errors
    /// When the position must not be used; see [`PositionError`].
    pub async fn check_position(
        &self,
        stream: &str,
        position: &Position,
    ) -> Result<StreamInfo, PositionError> {
        let info = self.stream_info(stream).await?;
        info.check(stream, position.incarnation, position.sequence)?;
        if position.sequence == Sequence(0) {
            return Ok(info);
        }
        if let Some(record) = self.get(stream, position.sequence).await? {
            let found = Digest::of(&record.payload);
            if found != position.digest {
                return Err(PositionError::OtherMessage {
                    stream: stream.to_owned(),
                    sequence: position.sequence,
                    stored: position.digest,
                    found,
                });
            }
        }
        Ok(info)
    }

    /// As [`EventLog::check_position`], for a position at a message of one exact subject: the subject must not end before
    /// it. (A purge of what is archived never takes a subject's newest message.)
    ///
    /// # Errors
    /// When the position must not be used; see [`PositionError`].
    pub async fn check_subject(
        &self,
        subject: &str,
        position: &Position,
    ) -> Result<StreamInfo, PositionError> {
        let stream = stream_of(subject)?;
        let info = self.check_position(&stream, position).await?;
        let last = self.last(subject).await?.map(|last| last.sequence);
        let last = last.unwrap_or(Sequence(0));
        if last < position.sequence {
            return Err(PositionError::SubjectCut {
                stream,
                subject: subject.to_owned(),
                stored: position.sequence,
                last,
            });
        }
        Ok(info)
    }

    /// The subjects under `filter` that hold messages, with how many; by name.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn subjects(
        &self,
        stream: &str,
        filter: &str,
    ) -> Result<Vec<(String, u64)>, ReadError> {
        let question = || self.backend.state(stream, Some(filter));
        let mut state = ask("the subjects", stream, question).await?;
        state.subjects.sort();
        Ok(state.subjects)
    }
}

fn info(stream: &str, state: &StreamState) -> Result<StreamInfo, ReadError> {
    let refused = |reason: String| ReadError::Refused {
        what: format!("reading {stream}"),
        reason,
    };
    if let Some(backup) = state.config["metadata"][RESTORING].as_str() {
        return Err(refused(half_restored(backup)));
    }
    let lineage = Lineage::of_config(&state.config).ok_or_else(|| {
        refused("it carries no incarnation; `worldline streams apply` writes one".to_owned())
    })?;
    Ok(StreamInfo {
        incarnation: lineage.incarnation(),
        lineage,
        first: state.first,
        last: state.last,
        messages: state.messages,
        bytes: state.bytes,
        max_bytes: state.config["max_bytes"]
            .as_u64()
            .filter(|limit| *limit > 0),
        max_age: state.config["max_age"]
            .as_u64()
            .filter(|age| *age > 0)
            .map(Duration::from_nanos),
        told_at: state.told_at,
    })
}

/// Why a stream that carries the mark of a restore is not used.
pub(crate) fn half_restored(backup: &str) -> String {
    format!("restoring backup {backup} has not been finished; run `worldline restore` once more")
}

/// Whether `config` is that of a stream with an incarnation.
pub(crate) fn has_incarnation(config: &Value) -> bool {
    let incarnation = config["metadata"][INCARNATION].as_str();
    incarnation.is_some_and(|text| text.parse::<Incarnation>().is_ok())
}
