//! Why a keyed domain is no longer served.

use schemas::{Incarnation, Sequence};

use crate::error::{AppendError, ReadError, SendError};
use crate::lineage::Lineage;

/// What ends the serving of a domain. What passes by itself (a broker that is away for a while,
/// a full stream) does not: it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum KeyedError {
    /// The broker refuses to be read, or lacks the streams. The message says what to do.
    #[error("reading for the keyed aggregates")]
    Read(#[from] ReadError),
    /// The broker refuses to be written to. The message says what to do.
    #[error("sending for the keyed aggregates")]
    Send(#[from] SendError),
    /// The broker refuses an event. The message says what to do.
    #[error("writing a keyed aggregate's event")]
    Append(#[from] AppendError),
    /// The event counts its commands in another life of the command stream: one of the two streams
    /// was restored or made anew. Handling on would repeat or skip commands.
    #[error(
        "{subject} has handled commands of {stream} in its life {stored}, which now is in its life {found}: one of \
         the streams was restored or made anew; restore both from the same backup"
    )]
    OtherIncarnation {
        /// The event's subject.
        subject: String,
        /// The command stream.
        stream: String,
        /// The life that the event names.
        stored: Incarnation,
        /// The life that the stream is in.
        found: Incarnation,
    },
    /// The event has handled a command that the command stream does not hold yet: that stream was cut.
    #[error(
        "{subject} has handled command {handled}, but {stream} ends at {last}: it was truncated or restored from an \
         older backup; restore both streams from the same backup"
    )]
    AheadOfCommands {
        /// The event's subject.
        subject: String,
        /// The command stream.
        stream: String,
        /// What the event has handled.
        handled: Sequence,
        /// Where the stream ends.
        last: Sequence,
    },
    /// A part of the service panicked: a bug to report.
    #[error("{part} of the keyed aggregates panicked")]
    Panicked {
        /// Which part.
        part: &'static str,
    },
}

impl KeyedError {
    /// Whether the same may succeed a little later.
    pub(super) const fn passes(&self) -> bool {
        match self {
            Self::Read(error) => matches!(error, ReadError::Unavailable { .. }),
            Self::Send(error) => {
                matches!(
                    error,
                    SendError::Unavailable { .. } | SendError::Full { .. }
                )
            }
            Self::Append(error) => matches!(
                error,
                AppendError::Unavailable { .. }
                    | AppendError::Full { .. }
                    | AppendError::Undecided { .. }
                    | AppendError::Fenced { .. }
            ),
            Self::OtherIncarnation { .. }
            | Self::AheadOfCommands { .. }
            | Self::Panicked { .. } => false,
        }
    }
}

/// Compares what an event says to have handled with the lives of its command stream: another life is
/// wrong, and so is a command that was lost when the stream was restored.
pub(super) fn known(
    lineage: &Lineage,
    subject: &str,
    stream: &str,
    (stored, handled): (Incarnation, Sequence),
) -> Result<(), KeyedError> {
    match lineage.reaches(stored) {
        None => Err(KeyedError::OtherIncarnation {
            subject: subject.to_owned(),
            stream: stream.to_owned(),
            stored,
            found: lineage.incarnation(),
        }),
        Some(last) if handled > last => Err(KeyedError::AheadOfCommands {
            subject: subject.to_owned(),
            stream: stream.to_owned(),
            handled,
            last,
        }),
        Some(_) => Ok(()),
    }
}
