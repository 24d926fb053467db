//! The log itself: what is read with one question, and where everything else begins.

use std::sync::Arc;

use bytes::Bytes;
use schemas::{Sequence, UnixMillis};

use crate::append::Appender;
use crate::backend::Backend;
use crate::bucket::Bucket;
use crate::core::CoreSubscription;
use crate::error::{PositionError, PurgeError, ReadError, SendError};
use crate::live::Live;
use crate::purge::Purged;
use crate::read::{Follow, Reader};
use crate::record::{Position, Record, StreamInfo};
use crate::send::MessageId;
use crate::snapshots::Snapshots;
use crate::work::{Work, WorkOptions};

/// A handle on the log; cheap to clone, shared by all tasks of a process.
#[derive(Clone)]
pub struct EventLog {
    pub(crate) backend: Arc<dyn Backend>,
}

impl EventLog {
    /// Stores a command: resends the identical message, with a dedupe id, until the answer is
    /// definite or 18 s have passed.
    ///
    /// # Errors
    /// See [`SendError`]; only `Unavailable` leaves it open whether the message was stored.
    pub async fn send(
        &self,
        subject: &str,
        payload: Bytes,
        trace: Option<&str>,
    ) -> Result<Sequence, SendError> {
        self.send_as(&MessageId::random(), subject, payload, trace)
            .await
    }

    /// As [`EventLog::send`], under an id of the caller's, so that sending the same again within
    /// 20 s stores nothing twice.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send_as(
        &self,
        id: &MessageId,
        subject: &str,
        payload: Bytes,
        trace: Option<&str>,
    ) -> Result<Sequence, SendError> {
        todo!("{id:?} {subject} {payload:?} {trace:?}")
    }

    /// Opens an appender on one exact event subject, standing after its last message as the
    /// leader tells it.
    ///
    /// # Errors
    /// When the leader cannot be asked.
    pub async fn appender(&self, subject: &str) -> Result<Appender, ReadError> {
        todo!("{subject}")
    }

    /// The last message of `subject` (which may hold wildcards), from the leader.
    ///
    /// # Errors
    /// See [`ReadError`]; an empty subject is `Ok(None)`.
    pub async fn last(&self, subject: &str) -> Result<Option<Record>, ReadError> {
        todo!("{subject}")
    }

    /// The message at `sequence`, from the leader; `None` if it was removed or never was.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn get(&self, stream: &str, sequence: Sequence) -> Result<Option<Record>, ReadError> {
        todo!("{stream} {sequence}")
    }

    /// What a stream holds, from its leader.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn stream_info(&self, stream: &str) -> Result<StreamInfo, ReadError> {
        todo!("{stream}")
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
        todo!("{stream} {position:?}")
    }

    /// The subjects under `filter` that hold messages, with how many.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn subjects(
        &self,
        stream: &str,
        filter: &str,
    ) -> Result<Vec<(String, u64)>, ReadError> {
        todo!("{stream} {filter}")
    }

    /// Reads in order what stands after `after` on any of `filters` (wildcards allowed; empty:
    /// the whole stream).
    #[must_use]
    pub fn read(
        &self,
        stream: &str,
        filters: Vec<String>,
        after: Sequence,
        follow: Follow,
    ) -> Reader {
        todo!("{stream} {filters:?} {after} {follow:?}")
    }

    /// As [`EventLog::read`], beginning with the first message stored at or after `from`.
    #[must_use]
    pub fn read_from_time(
        &self,
        stream: &str,
        filters: Vec<String>,
        from: UnixMillis,
        follow: Follow,
    ) -> Reader {
        todo!("{stream} {filters:?} {from} {follow:?}")
    }

    /// Follows one exact event subject as it is written, beginning after `after`: no gap, no double.
    ///
    /// # Errors
    /// When the subscription cannot be made.
    pub async fn live(&self, subject: &str, after: Sequence) -> Result<Live, ReadError> {
        todo!("{subject} {after}")
    }

    /// Takes part in the work of a durable consumer, which is created if need be.
    ///
    /// # Errors
    /// When the consumer cannot be made.
    pub async fn work(&self, options: WorkOptions) -> Result<Work, ReadError> {
        todo!("{options:?}")
    }

    /// Publishes without storing: hints, heartbeats, answers. At most once.
    ///
    /// # Errors
    /// When it could not even be handed to the connection.
    pub async fn publish_core(&self, subject: &str, payload: Bytes) -> Result<(), SendError> {
        todo!("{subject} {payload:?}")
    }

    /// Listens to a core subject (wildcards allowed).
    ///
    /// # Errors
    /// When the subscription cannot be made.
    pub async fn subscribe_core(&self, subject: &str) -> Result<CoreSubscription, ReadError> {
        todo!("{subject}")
    }

    /// Opens the bucket `name`, which must be there.
    ///
    /// # Errors
    /// `NoStream` when it is not; see [`ReadError`].
    pub async fn bucket(&self, name: &str) -> Result<Bucket, ReadError> {
        todo!("{name}")
    }

    /// The areas' snapshots.
    #[must_use]
    pub fn snapshots(&self) -> Snapshots {
        todo!()
    }

    /// Removes what is archived of one exact subject, through `archived_end`, but never its
    /// newest message, which is the fence. In slices, with pauses.
    ///
    /// # Errors
    /// See [`PurgeError`]; what has been removed until then stays removed.
    pub async fn purge(
        &self,
        stream: &str,
        subject: &str,
        archived_end: Sequence,
    ) -> Result<Purged, PurgeError> {
        todo!("{stream} {subject} {archived_end}")
    }
}
