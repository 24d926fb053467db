//! Why the past cannot be read.

use eventlog::ReadError;
use schemas::{Incarnation, Sequence};

/// Why the past cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PastError {
    /// The broker's part of it: try again later, or look at the broker.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// The archive's part of it: try again later, or look at directory, store and credentials.
    #[error("the archive {place} cannot be read: {reason}")]
    Unreachable {
        /// The archive.
        place: String,
        /// What was met.
        reason: String,
    },
    /// There is nothing where an archive should be: name another place.
    #[error(
        "there is no archive at {place}: name its directory, or begin one with `worldline archive run`"
    )]
    NoArchive {
        /// Where it was looked for.
        place: String,
    },
    /// A segment is not what was written, or gone: bring it back from a copy of the archive, or go on after it.
    #[error(
        "{place} is damaged: {reason}. It holds {stream} from {first} to {last}: bring the file back from a copy of the \
         archive, or leave these out with --tolerant"
    )]
    Damaged {
        /// The segment.
        place: String,
        /// What is wrong with it.
        reason: String,
        /// Its stream.
        stream: String,
        /// The first message that is lost with it.
        first: Sequence,
        /// The last one.
        last: Sequence,
    },
    /// What says which segments there are is not what was written: bring it back from a copy of the archive.
    #[error(
        "{place} is damaged: {reason}; bring the directory `manifest` back from a copy of the archive"
    )]
    BadManifest {
        /// The manifest.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A later version wrote it: read it with that version.
    #[error(
        "{place} is of format {found}, and this version reads formats up to {known}: use the version that wrote it"
    )]
    UnknownFormat {
        /// What was read.
        place: String,
        /// The format it names.
        found: u16,
        /// The newest that this build reads.
        known: u16,
    },
    /// Messages are nowhere: read without them, or find the archive that has them.
    #[error("{stream} has a hole: messages {first} to {last} are {reason}")]
    Hole {
        /// The stream.
        stream: String,
        /// The first that is missing.
        first: Sequence,
        /// The last one.
        last: Sequence,
        /// What is known about them, and the remedy.
        reason: String,
    },
    /// The archive is of another world than the broker's log: name the right one.
    #[error(
        "the archive {place} holds {stream} of another world (incarnation {archived}; the broker has {live}): name the archive \
         of this one"
    )]
    OtherWorld {
        /// The archive.
        place: String,
        /// The stream.
        stream: String,
        /// The life that was archived.
        archived: Incarnation,
        /// The life that the broker holds.
        live: Incarnation,
    },
    /// The broker's log ends before what was archived of it: it was truncated; nothing may go on from there.
    #[error(
        "{stream} ends at {last} in the broker, and is archived up to {archived}: the log was truncated, or restored without \
         `worldline restore`; see docs/runbook/log-is-not-the-one-we-knew.md"
    )]
    BehindArchive {
        /// The stream.
        stream: String,
        /// Where the broker's log ends.
        last: Sequence,
        /// Where the archive does.
        archived: Sequence,
    },
}

impl PastError {
    /// Whether it is about being reached at all, not about what was found there: trying again later may help.
    #[must_use]
    pub const fn unavailable(&self) -> bool {
        matches!(self, Self::Log(_) | Self::Unreachable { .. })
    }

    /// With what code a tool ends that met it, as `sysexits.h` has them: 64 there is no archive where one was named, 69 it
    /// cannot be read now, 65 what was found is not what it should be.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::NoArchive { .. } => 64,
            Self::Log(_) | Self::Unreachable { .. } => 69,
            _ => 65,
        }
    }

    /// The last message that is lost with what is damaged: reading anew after it goes on. `None`: nothing can be
    /// left out.
    #[must_use]
    pub const fn skip_to(&self) -> Option<Sequence> {
        match self {
            Self::Damaged { last, .. } | Self::Hole { last, .. } => Some(*last),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tools_code_tells_away_from_damaged() {
        let (place, reason) = (String::from("s3://worlds/1"), String::new());
        let missing = PastError::NoArchive {
            place: place.clone(),
        };
        let away = PastError::Unreachable {
            place: place.clone(),
            reason: reason.clone(),
        };
        let damaged = PastError::BadManifest { place, reason };
        let codes = [missing, away, damaged].map(|error| (error.exit_code(), error.unavailable()));
        assert_eq!(codes, [(64, false), (69, true), (65, false)]);
    }
}
