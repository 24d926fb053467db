//! Why a message's events cannot be told.

use schemas::motion::MotionError;
use schemas::{AreaId, DecodeError, FrameNo, Sequence};

/// Why a message's events cannot be told. The log is damaged there: [`Events::lost`](super::Events::lost) goes on
/// behind it.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// Its bytes are no message that this build knows.
    #[error("{stream}:{sequence} cannot be read: a newer build may know it, or it is damaged")]
    Unreadable {
        /// The stream.
        stream: String,
        /// Its place there.
        sequence: Sequence,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// It does not stand on a subject of events.
    #[error("{stream}:{sequence} stands on {subject:?}, where no events are")]
    Subject {
        /// The stream.
        stream: String,
        /// Its place there.
        sequence: Sequence,
        /// Where it stands.
        subject: String,
    },
    /// Frames of the area are missing before it.
    #[error(
        "{stream}:{sequence}: frame {frame} of {area} does not follow frame {last}: what is between is missing; name the \
         archive that holds it (--archive)"
    )]
    Hole {
        /// The stream.
        stream: String,
        /// The frame's place there.
        sequence: Sequence,
        /// Which area.
        area: AreaId,
        /// The last frame that was read.
        last: FrameNo,
        /// The frame at hand.
        frame: FrameNo,
    },
    /// Its packed motion cannot be read.
    #[error("{stream}:{sequence}: the motion in a frame of {area} cannot be read")]
    Motion {
        /// The stream.
        stream: String,
        /// The frame's place there.
        sequence: Sequence,
        /// Which area.
        area: AreaId,
        /// What is wrong with it.
        #[source]
        source: MotionError,
    },
    /// What [`Events::save`](super::Events::save) wrote is not this.
    #[error("the saved state of a reader of events cannot be read: begin from the log's beginning")]
    Saved(#[source] DecodeError),
}
