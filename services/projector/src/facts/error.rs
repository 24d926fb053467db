//! What can stop the writer of `FACTS`, and what its owner can do about it.

use eventlog::{FeedError, PositionError, ReadError};
use past::PastError;
use schemas::Sequence;

/// Why `FACTS` is not written on.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// Stop: `FACTS` tells of events that the log does not hold, so the two do not belong together.
    #[error(
        "FACTS and {stream} do not belong together; bring the log back, or have FACTS made anew: `nats stream rm FACTS` as \
         admin, then `worldline streams apply`"
    )]
    Position {
        /// The source.
        stream: &'static str,
        /// What differs.
        #[source]
        source: PositionError,
    },
    /// Stop: what the last message of `FACTS` notes is not ours, or of a newer build.
    #[error(
        "the last message of FACTS does not say how far it goes ({note:?}): somebody else has written there, or a newer build"
    )]
    Note {
        /// What stands there.
        note: String,
    },
    /// Stop: what is next in the log is neither in the broker nor in an archive that we know of.
    #[error(
        "{stream} has been told up to {told}, and what comes next cannot be read; name the archive that holds it \
         (`[archive]`)"
    )]
    Lost {
        /// The source.
        stream: &'static str,
        /// How far it is told.
        told: Sequence,
        /// What reading met.
        #[source]
        source: PastError,
    },
    /// Somebody else writes, or has just done so: stand by.
    #[error("FACTS has another writer")]
    Overtaken,
    /// The shutdown came first.
    #[error("interrupted before it was finished")]
    Interrupted,
    /// Only a past without a broker was given.
    #[error("FACTS is written to a broker, and none was given")]
    NoBroker,
    /// A message did not get there; see [`FeedError`].
    #[error("writing FACTS")]
    Feed(#[source] FeedError),
    /// Try again later.
    #[error("reading the log")]
    Read(#[from] ReadError),
    /// Try again later.
    #[error("reading the past")]
    Past(#[source] PastError),
}

impl From<FeedError> for FactsError {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Overtaken { .. } => Self::Overtaken,
            other => Self::Feed(other),
        }
    }
}

impl FactsError {
    /// Whether it is worth trying again: the other side is away or busy, nothing is wrong.
    #[must_use]
    pub const fn passes(&self) -> bool {
        match self {
            Self::Overtaken | Self::Past(_) | Self::Read(_) => true,
            Self::Feed(error) => {
                matches!(
                    error,
                    FeedError::Unavailable { .. } | FeedError::Refused { .. }
                )
            }
            Self::Position { source, .. } => matches!(source, PositionError::Read(_)),
            Self::Note { .. } | Self::Lost { .. } | Self::Interrupted | Self::NoBroker => false,
        }
    }
}
