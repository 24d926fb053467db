//! Who is logged in: one value for each character in the world, in the bucket `sessions`.
//!
//! The edge that holds a character's socket writes it, again every minute, and takes it away at the
//! end; what a crashed edge has written goes by itself.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, AreaId, CharacterId, EdgeId, UnixMillis};

/// The bucket; a value's key is the character.
pub const BUCKET: &str = "sessions";

/// Somebody is logged in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OnlineEntry {
    /// Whose character.
    pub account: AccountId,
    /// Which.
    pub character: CharacterId,
    /// On which edge.
    pub edge: EdgeId,
    /// In which area, as its player is shown it.
    pub area: AreaId,
    /// Since when this connection has played.
    pub since: UnixMillis,
}
