//! Who works: entries with a time to live, and heartbeats.
//!
//! An entry says what a worker has and wants, and goes by itself when nobody writes it again. A
//! heartbeat only says "now". Both decide who *tries* to own an area; that somebody owns it is decided by the log's
//! fence alone.

use schemas::control::{EdgeMember, Heartbeat, Member};
use schemas::{EdgeId, WorkerId, subjects};

use crate::bucket::Bucket;
use crate::core::CoreSubscription;
use crate::error::{ReadError, SendError, UpdateError};
use crate::{EventLog, Watch};

/// The bucket of entries.
pub const BUCKET: &str = "members";
/// Edges' entries stand beside the workers', under keys that begin with this.
const EDGES: &str = "edge.";

/// Writes a worker's entry; written again every second, it stays; 3 s after the last time it goes.
///
/// # Errors
/// See [`UpdateError`].
pub async fn announce(log: &EventLog, member: &Member) -> Result<(), UpdateError> {
    let value = schemas::encode(member).into();
    let bucket = Bucket::unchecked(log, BUCKET);
    bucket.put(&member.worker, value).await?;
    Ok(())
}

/// Removes a worker's entry.
///
/// # Errors
/// See [`UpdateError`].
pub async fn leave(log: &EventLog, worker: &str) -> Result<(), UpdateError> {
    Bucket::unchecked(log, BUCKET).delete(worker).await
}

/// Writes an edge's entry, as often as a worker's.
///
/// # Errors
/// See [`UpdateError`].
pub async fn announce_edge(log: &EventLog, member: &EdgeMember) -> Result<(), UpdateError> {
    let value = schemas::encode(member).into();
    let key = format!("{EDGES}{}", member.edge);
    Bucket::unchecked(log, BUCKET).put(&key, value).await?;
    Ok(())
}

/// Removes an edge's entry.
///
/// # Errors
/// See [`UpdateError`].
pub async fn leave_edge(log: &EventLog, edge: EdgeId) -> Result<(), UpdateError> {
    let key = format!("{EDGES}{edge}");
    Bucket::unchecked(log, BUCKET).delete(&key).await
}

/// The edge whose entry a key of the bucket is; `None`: it is a worker's.
#[must_use]
pub fn edge_of(key: &str) -> Option<EdgeId> {
    key.strip_prefix(EDGES)?.parse().ok()
}

/// A change in the membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A worker has come, or has written its entry again.
    Present(Member),
    /// A worker has left or expired.
    Gone(WorkerId),
}

/// All present workers, then every change.
pub struct Members(Watch);

impl Members {
    /// The next change. Cancel safe.
    ///
    /// # Errors
    /// When the broker has not answered for 20 s; ask again, nothing is skipped.
    pub async fn next(&mut self) -> Result<Change, ReadError> {
        loop {
            let entry = self.0.next().await?;
            if entry.key.starts_with(EDGES) {
                continue;
            }
            match entry.value {
                None => return Ok(Change::Gone(entry.key)),
                Some(value) => {
                    if let Some(member) = read(&value) {
                        return Ok(Change::Present(member));
                    }
                }
            }
        }
    }

    /// Whether all who were present at the beginning have been named. Where an edge was the last to
    /// write, that shows with the next change.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.0.is_current()
    }
}

/// Watches the membership.
///
/// # Errors
/// See [`ReadError`].
pub async fn watch(log: &EventLog) -> Result<Members, ReadError> {
    Ok(Members(Bucket::unchecked(log, BUCKET).watch().await?))
}

/// The workers present now.
///
/// # Errors
/// See [`ReadError`].
pub async fn members(log: &EventLog) -> Result<Vec<Member>, ReadError> {
    let entries = Bucket::unchecked(log, BUCKET).entries().await?;
    let workers = entries.into_iter().filter(|e| !e.key.starts_with(EDGES));
    let values = workers.filter_map(|entry| entry.value);
    Ok(values.filter_map(|value| read(&value)).collect())
}

fn read(value: &[u8]) -> Option<Member> {
    match schemas::decode(value) {
        Ok(member) => Some(member),
        Err(error) => {
            tracing::warn!(%error, "an entry in the membership cannot be read");
            None
        }
    }
}

/// Sends one heartbeat; at most once, not stored.
///
/// # Errors
/// When it could not be handed to the connection.
pub async fn heartbeat(log: &EventLog, beat: &Heartbeat) -> Result<(), SendError> {
    let subject = subjects::heartbeat(&beat.worker);
    log.publish_core(&subject, schemas::encode(beat).into())
        .await
}

/// All workers' heartbeats.
pub struct Heartbeats(CoreSubscription);

impl Heartbeats {
    /// The next one; `None` when the connection is closed for good. Cancel safe.
    pub async fn next(&mut self) -> Option<Heartbeat> {
        loop {
            let message = self.0.next().await?;
            match schemas::decode(&message.payload) {
                Ok(beat) => return Some(beat),
                Err(error) => tracing::debug!(%error, "a heartbeat that cannot be read"),
            }
        }
    }
}

/// Listens to all workers' heartbeats.
///
/// # Errors
/// See [`ReadError`].
pub async fn heartbeats(log: &EventLog) -> Result<Heartbeats, ReadError> {
    let all = subjects::heartbeat("*");
    Ok(Heartbeats(log.subscribe_core(&all).await?))
}
