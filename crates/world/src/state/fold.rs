//! Folding a frame: the one way in which an area's state changes.
//!
//! The worker, the edges, the projector, the snapshotter and replay all come through here. A
//! frame that does not follow, or after which the state does not have the hash that its writer
//! found, means *stop*: better stopped than wrong.

use schemas::frame::{Frame, StateHash};
use schemas::motion::MotionError;
use schemas::{Digest, FrameNo};

use super::AreaState;
use crate::HASH_VERSION;
use crate::evolve;

/// Why a frame cannot be folded. The state must not be used any further: restore it from a
/// snapshot and the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// It is not the frame that follows: something was skipped, repeated or written by a loser.
    #[error(
        "frame {frame} of {area} does not follow frame {last}: {what}; read the log again from frame {last}"
    )]
    BrokenChain {
        /// Which area.
        area: String,
        /// The last frame folded.
        last: FrameNo,
        /// The frame at hand.
        frame: FrameNo,
        /// What does not fit.
        what: String,
    },
    /// After the frame the state is not what its writer had.
    #[error(
        "after frame {frame} of {area} the state hashes to {found:?}, its owner found {expected:?}: stop using it and compare the builds"
    )]
    HashMismatch {
        /// Which area.
        area: String,
        /// The frame at hand.
        frame: FrameNo,
        /// What the frame says.
        expected: StateHash,
        /// What came out here.
        found: StateHash,
    },
    /// Its packed motion cannot be read.
    #[error("the motion in frame {frame} of {area} cannot be read")]
    BadMotion {
        /// Which area.
        area: String,
        /// The frame at hand.
        frame: FrameNo,
        /// What is wrong with it.
        #[source]
        source: MotionError,
    },
    /// Its owner hashes in a way that this build does not know.
    #[error(
        "frame {frame} of {area} is hashed with version {version}, this build knows {HASH_VERSION}: use the build that wrote it, or a newer one"
    )]
    UnknownHashVersion {
        /// Which area.
        area: String,
        /// The frame at hand.
        frame: FrameNo,
        /// The version it names.
        version: u32,
    },
}

impl AreaState {
    /// Applies `frame`, whose bytes have the digest `bytes`.
    ///
    /// # Errors
    /// When the frame does not follow, cannot be read, or leads to another state than its
    /// writer's. The state is then of no use any more.
    pub fn fold(&mut self, frame: &Frame, bytes: Digest) -> Result<(), FoldError> {
        self.check_chain(frame)?;
        evolve::frame(self, frame).map_err(|source| FoldError::BadMotion {
            area: self.area.to_string(),
            frame: frame.no,
            source,
        })?;
        self.last_digest = bytes;
        if let Some(owner) = self.owner().filter(|o| o.hash_version != HASH_VERSION) {
            return Err(FoldError::UnknownHashVersion {
                area: self.area.to_string(),
                frame: frame.no,
                version: owner.hash_version,
            });
        }
        if self.hash != frame.hash {
            return Err(FoldError::HashMismatch {
                area: self.area.to_string(),
                frame: frame.no,
                expected: frame.hash,
                found: self.hash,
            });
        }
        Ok(())
    }

    fn check_chain(&self, frame: &Frame) -> Result<(), FoldError> {
        let broken = |what: String| {
            Err(FoldError::BrokenChain {
                area: self.area.to_string(),
                last: self.frame_no,
                frame: frame.no,
                what,
            })
        };
        if frame.no != self.frame_no.next() {
            return broken("its number is not the next one".to_owned());
        }
        if frame.prev != self.last_digest {
            return broken(format!(
                "it names {} as the frame before, which was {}",
                frame.prev, self.last_digest
            ));
        }
        if frame.tick < self.tick || frame.at < self.at {
            return broken(format!(
                "it goes back from tick {} at {} to tick {} at {}",
                self.tick, self.at, frame.tick, frame.at
            ));
        }
        let claims = evolve::takes_ownership(frame);
        if claims && frame.epoch <= self.epoch {
            return broken(format!(
                "it claims epoch {} after epoch {}",
                frame.epoch, self.epoch
            ));
        }
        if !claims && (frame.epoch, frame.claim) != (self.epoch, self.claim) {
            return broken(format!(
                "it was written under epoch {} claim {}, the owner is epoch {} claim {}",
                frame.epoch, frame.claim, self.epoch, self.claim
            ));
        }
        Ok(())
    }
}
