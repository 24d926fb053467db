//! Why a placement changes, or cannot: for the log, and for whoever asks `worldline director plan`.

use std::fmt;

use schemas::WorkerId;
use serde::Serialize;

/// Why a placement changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Reason {
    /// Nobody was to own it.
    NotPlaced,
    /// Its worker is not there any more.
    Lost {
        /// That one.
        worker: WorkerId,
    },
    /// Its worker is silent.
    Suspected {
        /// That one.
        worker: WorkerId,
    },
    /// Its worker wants to leave.
    Draining {
        /// That one.
        worker: WorkerId,
    },
    /// Its worker has more areas than it is willing to own, or an area that is bound to it needs
    /// the room.
    Overfull {
        /// That one.
        worker: WorkerId,
    },
    /// An operator has bound it to the worker that it goes to.
    Pinned,
    /// It evens out two workers, which carry so much, in 1/1000 of a core.
    Evens {
        /// The one that it leaves.
        from_cost: u64,
        /// The one that it goes to.
        to_cost: u64,
    },
    /// Only who will own it next has changed.
    Successor,
    /// The only worker that may own it has been away for too long.
    PinnedAway {
        /// That one.
        worker: WorkerId,
    },
    /// It is closed and asleep, and nobody has knocked.
    Retired,
    /// Its rules keep breaking, or frames of its log are gone, says its owner.
    Quarantined,
}

impl Reason {
    /// Its name in metrics and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotPlaced => "not_placed",
            Self::Lost { .. } => "lost",
            Self::Suspected { .. } => "suspected",
            Self::Draining { .. } => "draining",
            Self::Overfull { .. } => "overfull",
            Self::Pinned => "pinned",
            Self::Evens { .. } => "evens",
            Self::Successor => "successor",
            Self::PinnedAway { .. } => "pinned_away",
            Self::Retired => "retired",
            Self::Quarantined => "quarantined",
        }
    }

    /// Whether an area is handed over by somebody who leads it well.
    #[must_use]
    pub const fn is_planned_move(&self) -> bool {
        matches!(
            self,
            Self::Draining { .. } | Self::Overfull { .. } | Self::Pinned | Self::Evens { .. }
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPlaced => f.write_str("nobody was to own it"),
            Self::Lost { worker } => write!(f, "{worker} is gone"),
            Self::Suspected { worker } => write!(f, "{worker} is silent"),
            Self::Draining { worker } => write!(f, "{worker} is leaving"),
            Self::Overfull { worker } => write!(f, "{worker} has more than it can take"),
            Self::Pinned => f.write_str("an operator has bound it to this worker"),
            Self::Evens { from_cost, to_cost } => write!(
                f,
                "evens out: {from_cost} against {to_cost} thousandths of a core"
            ),
            Self::Successor => f.write_str("only who owns it next changes"),
            Self::PinnedAway { worker } => write!(
                f,
                "it is bound to {worker}, which has been away for too long"
            ),
            Self::Retired => f.write_str("closed and asleep, and nobody knocks"),
            Self::Quarantined => f.write_str("its rules keep breaking, or its log lacks frames"),
        }
    }
}

/// Why nobody can own an area as things are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Waiting {
    /// No worker that takes areas has room.
    NoRoom,
    /// The only worker that may own it is not there, cannot take it, or has no room.
    Pinned {
        /// That one.
        worker: WorkerId,
    },
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoom => f.write_str("no worker that takes areas has room: start another"),
            Self::Pinned { worker } => write!(
                f,
                "it is bound to {worker}, which cannot take it: bring that worker back, or `worldline area unpin`"
            ),
        }
    }
}
