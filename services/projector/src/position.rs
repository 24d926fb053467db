//! Before a checkpoint is used it is compared with the stream.

use eventlog::{EventLog, StreamInfo};

use crate::checkpoint::Checkpoint;
use crate::error::ProjectError;

/// Compares incarnation, head and digest, and looks whether what comes next is still there.
pub(crate) async fn check(
    log: &EventLog,
    projection: &'static str,
    stream: &'static str,
    at: &Checkpoint,
) -> Result<(), ProjectError> {
    let info = log
        .check_position(stream, &at.position)
        .await
        .map_err(|source| ProjectError::Position { projection, source })?;
    compare(projection, stream, at, &info)
}

/// Compares with what the stream says about itself; cheap enough to be repeated while running.
pub(crate) fn compare(
    projection: &'static str,
    stream: &'static str,
    at: &Checkpoint,
    info: &StreamInfo,
) -> Result<(), ProjectError> {
    let known = at.position.sequence;
    info.check(stream, at.position.incarnation, known)
        .map_err(|source| ProjectError::Position { projection, source })?;
    if info.first > known.next() {
        return Err(ProjectError::Purged {
            projection,
            stream,
            known,
            first: info.first,
        });
    }
    Ok(())
}
