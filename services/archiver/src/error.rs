//! Why a stream was not archived, or not purged.

use eventlog::{PurgeError, ReadError};
use past::{PastError, WriteError};
use schemas::Sequence;

/// Why a stream was not archived, or not purged. Nothing is lost by any of these; the next round tries again.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The broker cannot be read: it passes, or an operator looks at the broker.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The archive cannot be written, or is not this log's: what it says.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The archive cannot be read.
    #[error(transparent)]
    Past(#[from] PastError),
    /// The broker did not purge: it passes.
    #[error(transparent)]
    Purge(#[from] PurgeError),
    /// Where the archive ends, the broker holds another message: it is another world's archive.
    #[error(
        "at {sequence}, where {place} ends, {stream} holds another message: it is the archive of another world"
    )]
    OtherMessage {
        /// The archive.
        place: String,
        /// The stream.
        stream: String,
        /// The last archived message.
        sequence: Sequence,
    },
    /// Making a segment panicked: a bug.
    #[error("making a segment panicked")]
    Panicked,
}
