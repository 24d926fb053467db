//! What an area remembers besides its bodies: its owner, who went where, and its mail.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::effect::Effect;
use schemas::subjects::AggregateId;
use schemas::{AreaId, Digest, Tick, WorkerId};
use serde::{Deserialize, Serialize};

use super::table::Table;

/// What the last ownership frame said of the owner and the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Who.
    pub worker: WorkerId,
    /// The build that decides.
    pub build: String,
    /// The version of the rules that decides.
    pub rules: u32,
    /// Digest of the map file.
    pub map_hash: Digest,
    /// Version of the canonical encoding under the state hashes.
    pub hash_version: u32,
    /// Whether the owner is still there: false after `Hibernated` or `Released`.
    pub present: bool,
    /// Whether the area sleeps.
    pub asleep: bool,
}

/// The last effect that one source had applied here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Received {
    /// Its number.
    pub(crate) last: u64,
    /// In which tick it was last heard of.
    pub(crate) at: Tick,
}

/// A character that went through a door, for those who still look for it here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gone {
    /// Where to.
    pub(crate) to: AreaId,
    /// When.
    pub(crate) at: Tick,
}

/// Numbering of effects to and from others, and what waits for its confirmation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Mail {
    /// The last number given to an effect, for each target.
    pub(crate) sent: Table<u64>,
    /// The last number applied, for each source.
    pub(crate) received: Table<Received>,
    /// Whether a counter of a source has ever been forgotten.
    pub(crate) forgot: bool,
    /// Effects not yet confirmed, by target and number.
    pub(crate) pending: Arc<BTreeMap<(AggregateId, u64), Effect>>,
}
