//! Why the past cannot be read.

use eventlog::ReadError;

/// Why the past cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PastError {
    /// The broker's part of it: try again later, or look at the broker.
    #[error(transparent)]
    Log(#[from] ReadError),
}
