//! The frame: all that happened in one area in one tick, as one message on one subject.

use serde::{Deserialize, Serialize};

use crate::effect::Effect;
use crate::fact::Fact;
use crate::ids::{Claim, CommandPosition, Digest, Epoch, FrameNo, Tick, UnixMillis};
use crate::motion::Motion;
use crate::outcome::Outcomes;

/// The version that this build writes.
pub const FRAME_VERSION: u16 = 1;
/// The largest frame, in bytes; the world caps commands per tick so that none is larger.
pub const MAX_FRAME_BYTES: usize = 256 * 1024;

/// Hashes of an area's state after a frame: of what every client may see, and of all of it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct StateHash {
    /// Of the bodies: who they are and how they move.
    #[serde(rename = "p")]
    pub public: u64,
    /// Of everything `evolve` keeps.
    #[serde(rename = "f")]
    pub full: u64,
}

/// All that happened in one area in one tick. Applied in this order: facts, motion, outcomes,
/// effects, then tick and position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Frame {
    /// [`FRAME_VERSION`] of the writer.
    #[serde(rename = "v")]
    pub version: u16,
    /// The owner's fencing token.
    pub epoch: Epoch,
    /// The owner's claim, random for each attempt.
    pub claim: Claim,
    /// Place in the area's chain, from 1.
    pub no: FrameNo,
    /// Digest of the bytes of the frame before; zeros for the first.
    pub prev: Digest,
    /// The tick after which the state is as hashed.
    pub tick: Tick,
    /// When the owner decided it, in the time of the broker as it knows it (ADR 21); never going back within an area.
    pub at: UnixMillis,
    /// How far the area has consumed its commands.
    pub pos: CommandPosition,
    /// What happened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
    /// Who moves differently from now on; base is the first step of `tick`.
    #[serde(default, skip_serializing_if = "is_still")]
    pub motion: Motion,
    /// What became of the commands consumed.
    #[serde(rename = "out", default, skip_serializing_if = "Outcomes::is_empty")]
    pub outcomes: Outcomes,
    /// Messages to other aggregates, pending until confirmed.
    #[serde(rename = "fx", default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
    /// Of the state after this frame.
    pub hash: StateHash,
}

fn is_still(motion: &Motion) -> bool {
    motion.0.is_empty()
}
