//! Why an object was not stored or read, by what the caller can do.

use crate::error::{ReadError, SendError};

/// Why an object was not stored or read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// There is no object of that name (any more).
    #[error("there is no object {name:?} in the store {store}")]
    NotFound {
        /// The store.
        store: String,
        /// The object.
        name: String,
    },
    /// Somebody has put or deleted it meanwhile. Ask what is there now and decide again.
    #[error("{store}/{name} was changed by somebody else meanwhile")]
    Conflict {
        /// The store.
        store: String,
        /// The object.
        name: String,
    },
    /// What is stored is not what was put. Put it again.
    #[error("{store}/{name} is damaged: {reason}")]
    Damaged {
        /// The store.
        store: String,
        /// The object.
        name: String,
        /// What was found.
        reason: String,
    },
    /// What was to be put could not be read. Nothing was stored.
    #[error("reading what is to be stored as {name:?}")]
    Source {
        /// The object.
        name: String,
        /// What the source said.
        source: std::io::Error,
    },
    /// The broker did not take it; `Full`: the store has no room.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The broker could not be asked.
    #[error(transparent)]
    Read(#[from] ReadError),
}
