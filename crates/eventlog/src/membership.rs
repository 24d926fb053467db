//! Who works: entries with a time to live, and heartbeats.

use schemas::control::{Heartbeat, Member};

use crate::EventLog;
use crate::error::{ReadError, SendError, UpdateError};

/// Writes a worker's entry; written again every second, it stays; 3 s after the last time it goes.
///
/// # Errors
/// See [`UpdateError`].
pub async fn announce(log: &EventLog, member: &Member) -> Result<(), UpdateError> {
    let _ = log;
    todo!("{member:?}")
}

/// Removes a worker's entry.
///
/// # Errors
/// See [`UpdateError`].
pub async fn leave(log: &EventLog, worker: &str) -> Result<(), UpdateError> {
    let _ = log;
    todo!("{worker}")
}

/// A change in the membership.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A worker has come, or has written its entry again.
    Present(Member),
    /// A worker has left or expired.
    Gone(schemas::WorkerId),
}

/// All present workers, then every change.
pub struct Members {}

impl Members {
    /// The next change. Cancel safe.
    ///
    /// # Errors
    /// When the broker has not answered for 30 s; ask again, nothing is skipped.
    pub async fn next(&mut self) -> Result<Change, ReadError> {
        todo!()
    }
}

/// Watches the membership.
///
/// # Errors
/// See [`ReadError`].
pub async fn watch(log: &EventLog) -> Result<Members, ReadError> {
    let _ = log;
    todo!()
}

/// The workers present now.
///
/// # Errors
/// See [`ReadError`].
pub async fn members(log: &EventLog) -> Result<Vec<Member>, ReadError> {
    let _ = log;
    todo!()
}

/// Sends one heartbeat; at most once, not stored.
///
/// # Errors
/// When it could not be handed to the connection.
pub async fn heartbeat(log: &EventLog, beat: &Heartbeat) -> Result<(), SendError> {
    let _ = log;
    todo!("{beat:?}")
}

/// All workers' heartbeats.
pub struct Heartbeats {}

impl Heartbeats {
    /// The next one; `None` when the connection is closed for good. Cancel safe.
    pub async fn next(&mut self) -> Option<Heartbeat> {
        todo!()
    }
}

/// Listens to all workers' heartbeats.
///
/// # Errors
/// See [`ReadError`].
pub async fn heartbeats(log: &EventLog) -> Result<Heartbeats, ReadError> {
    let _ = log;
    todo!()
}
