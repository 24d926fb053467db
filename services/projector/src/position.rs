//! Before a checkpoint is used it is compared with the stream.

use eventlog::StreamInfo;
use past::Past;

use crate::checkpoint::Checkpoint;
use crate::error::ProjectError;
use crate::projection::Source;

/// Compares incarnation, head and digest, and looks whether what comes next is still there.
pub(crate) async fn check(
    source: &Source,
    projection: &'static str,
    stream: &'static str,
    at: &Checkpoint,
) -> Result<(), ProjectError> {
    let info = source
        .log
        .check_position(stream, &at.position)
        .await
        .map_err(|source| ProjectError::Position { projection, source })?;
    reachable(&source.past, projection, stream, at, &info).await
}

/// Compares with what the stream says about itself; cheap enough to be repeated while running.
pub(crate) async fn compare(
    source: &Source,
    projection: &'static str,
    stream: &'static str,
    at: &Checkpoint,
    info: &StreamInfo,
) -> Result<(), ProjectError> {
    info.check(stream, at.position.incarnation, at.position.sequence)
        .map_err(|source| ProjectError::Position { projection, source })?;
    reachable(&source.past, projection, stream, at, info).await
}

/// What the broker does not hold any more may be archived.
async fn reachable(
    past: &Past,
    projection: &'static str,
    stream: &'static str,
    at: &Checkpoint,
    info: &StreamInfo,
) -> Result<(), ProjectError> {
    let known = at.position.sequence;
    if info.first <= known.next() {
        return Ok(());
    }
    let first = past.span(stream).await?.first;
    if first > known.next() {
        return Err(ProjectError::Purged {
            projection,
            stream,
            known,
            first,
        });
    }
    Ok(())
}
