//! What can stop a projection, and what its owner can do about it.

use eventlog::{PositionError, ReadError};
use past::PastError;
use schemas::Sequence;

/// Why a projection ended or could not begin.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// Stop: another instance owns the projection now.
    #[error(
        "projection `{projection}` has a newer owner (epoch {theirs}, ours is {ours}): another projector works on this database, so this one stops"
    )]
    Fenced {
        /// Which.
        projection: &'static str,
        /// Our epoch.
        ours: i64,
        /// The newer one.
        theirs: i64,
    },
    /// The checkpoint is not where we left it although nobody took it: load it again and go on.
    #[error("the checkpoint of projection `{0}` has moved (an unknown commit, or a rebuild)")]
    Moved(&'static str),
    /// Stop: rows and log do not belong together, going on would be a guess.
    #[error(
        "projection `{projection}`: its rows do not belong to this log; restore the one or `worldline projector rebuild` the other"
    )]
    Position {
        /// Which.
        projection: &'static str,
        /// What differs.
        #[source]
        source: PositionError,
    },
    /// Stop: events that were not folded yet are gone.
    #[error(
        "projection `{projection}` has folded {stream} up to {known}, which now begins at {first}: what lies between was purged; restore it from the archive"
    )]
    Purged {
        /// Which.
        projection: &'static str,
        /// Its stream.
        stream: &'static str,
        /// The checkpoint's.
        known: Sequence,
        /// The first there is.
        first: Sequence,
    },
    /// The rows of these events are not acceptable to the database: try them one by one, park the
    /// one at fault.
    #[error("the database refuses rows of events {first} to {last}")]
    RowsRefused {
        /// The batch's first event.
        first: Sequence,
        /// Its last.
        last: Sequence,
        /// The database's words.
        #[source]
        source: sqlx::Error,
    },
    /// Folding this event broke off in the middle: load the memory again, park the event.
    #[error("event {sequence} cannot be folded: {why}")]
    FoldBroken {
        /// Which.
        sequence: Sequence,
        /// What was said.
        why: String,
    },
    /// Only an archive is read, but rows follow a log that goes on: name the broker too.
    #[error("rows are folded from a broker's log; an archive alone does not tell where it ends")]
    NoBroker,
    /// Wait for the other one to end.
    #[error(
        "somebody else is changing the rows of schema `{0}` (a rebuild, a rollback, a retry); wait for it to end"
    )]
    Busy(String),
    /// Nothing to do: there are no former rows.
    #[error(
        "there is nothing to roll back to: no schema `{0}`; a rebuild keeps the former rows there unless told otherwise"
    )]
    NothingKept(String),
    /// Look at `worldline projector parked list`: maybe it was retried in the meantime.
    #[error(
        "nothing is parked in projection `{projection}` under `{key}`; `worldline projector parked list` shows what is"
    )]
    NotParked {
        /// Where.
        projection: &'static str,
        /// The key.
        key: String,
    },
    /// The event cannot be given up alone, because later ones build on it.
    #[error(
        "event {sequence} of `{key}` cannot be left out alone, later ones build on it ({why}); deploy a build that can fold it and retry, or give up all behind it too with --and-all-behind"
    )]
    NeededLater {
        /// The key.
        key: String,
        /// The event.
        sequence: Sequence,
        /// What happens without it.
        why: String,
    },
    /// The message is neither in the broker nor in an archive.
    #[error("event {sequence} of {stream} is not there any more; name the archive that holds it")]
    NotThere {
        /// The stream.
        stream: &'static str,
        /// The event.
        sequence: Sequence,
    },
    /// The shutdown came before the goal; nothing was switched or compared.
    #[error("interrupted before it was finished")]
    Interrupted,
    /// Try again later, unless [`ProjectError::passes`] says otherwise.
    #[error("the database does not answer as it should")]
    Database(#[from] sqlx::Error),
    /// Stop: the tables cannot be brought to this build's version.
    #[error("the tables cannot be migrated")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// Try again later.
    #[error("the log cannot be read")]
    Log(#[from] ReadError),
    /// Try again later, unless an archive is damaged: see [`ProjectError::passes`].
    #[error("the past cannot be read")]
    Past(#[from] PastError),
}

impl ProjectError {
    /// Whether it is worth trying again: the other side is away or busy, nothing is wrong.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Moved(_) | Self::Log(_) => true,
            Self::Position { source, .. } => matches!(source, PositionError::Read(_)),
            Self::Past(error) => error.unavailable(),
            Self::Database(error) => passes(error),
            Self::Fenced { .. }
            | Self::Purged { .. }
            | Self::Interrupted
            | Self::RowsRefused { .. }
            | Self::FoldBroken { .. }
            | Self::NoBroker
            | Self::Busy(_)
            | Self::NothingKept(_)
            | Self::NotParked { .. }
            | Self::NeededLater { .. }
            | Self::NotThere { .. }
            | Self::Migrate(_) => false,
        }
    }
}

/// Whether the database is away, starting, stopping or overloaded.
fn passes(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed => true,
        // Connection exceptions, rolled back, out of resources, operator intervention, system errors.
        sqlx::Error::Database(answer) => answer.code().is_some_and(|code| {
            // The last: a transaction that was idle for too long was ended.
            ["08", "40", "53", "55", "57", "58", "25P03"]
                .iter()
                .any(|class| code.starts_with(class))
        }),
        _ => false,
    }
}

/// Whether the database says that a value is impossible: bad data or a broken constraint.
pub(crate) fn refuses_values(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(answer) = error else {
        return matches!(error, sqlx::Error::Encode(_));
    };
    answer
        .code()
        .is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
}
