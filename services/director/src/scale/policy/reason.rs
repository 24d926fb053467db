//! Why something is done, or not.

use std::fmt;

use schemas::WorkerId;

/// Why something is done, or not; its display is a sentence for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The director does not know everybody yet.
    JustBegun,
    /// This one is believed dead, so the load is not where it seems to be.
    Suspected(WorkerId),
    /// This one is late, or not heard, so nobody is taken away.
    Watched(WorkerId),
    /// Workers that shall be there are not, or leave, so nobody is taken away.
    Incomplete,
    /// This one is handing over what it has.
    Draining(WorkerId),
    /// The load needs no change.
    Enough {
        /// What the load needs.
        needed: u32,
        /// How many there shall be.
        wanted: u32,
    },
    /// More are needed, but only just, or the last change is too fresh.
    Soon {
        /// So many there would be.
        to: u32,
    },
    /// Fewer would do, but not for long yet, or the last change is too fresh.
    Later {
        /// So many there would be.
        to: u32,
    },
    /// The load needs more.
    Short {
        /// What the load needs.
        needed: u32,
        /// How many there shall be.
        wanted: u32,
        /// The most there may be.
        max: u32,
    },
    /// Fewer have sufficed for long.
    Ample {
        /// How many do.
        enough: u32,
        /// How many there shall be.
        wanted: u32,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::JustBegun => f.write_str("the director has only begun to lead"),
            Self::Suspected(worker) => write!(f, "{worker} is believed dead"),
            Self::Watched(worker) => write!(f, "{worker} is late or not heard"),
            Self::Incomplete => f.write_str("not all workers of the fleet are there"),
            Self::Draining(worker) => write!(f, "{worker} is handing over what it has"),
            Self::Enough { needed, wanted } => write!(f, "{needed} needed, {wanted} wanted"),
            Self::Soon { to } => write!(f, "{to} will be needed if this goes on"),
            Self::Later { to } => write!(f, "{to} will do if this goes on"),
            Self::Short {
                needed,
                wanted,
                max,
            } => write!(
                f,
                "the load needs {needed} workers, of {max} at most, and there are {wanted}"
            ),
            Self::Ample { enough, wanted } => {
                write!(
                    f,
                    "{enough} carry the load with room, and there are {wanted}"
                )
            }
        }
    }
}
