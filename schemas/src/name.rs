//! Names of characters, each reserved for one: a keyed aggregate under the keyed hash of the name.

use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, CharacterId, UnixMillis};

/// Commands to a name (`cmd.name.…`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type")]
pub enum NameCommand {
    /// Hold the name for a character that is about to be; it lapses after a minute unless it is
    /// kept.
    /// The same twice is no error.
    #[serde(rename = "reserve.1")]
    Reserve {
        /// For which character.
        character: CharacterId,
        /// Whose.
        account: AccountId,
    },
    /// The character exists: the name is its own.
    #[serde(rename = "keep.1")]
    Keep {
        /// Which character.
        character: CharacterId,
    },
    /// The character will not be: the name is free again at `at`, unless it is kept before.
    #[serde(rename = "release.1")]
    Release {
        /// Which character.
        character: CharacterId,
        /// From when on others may have it.
        at: UnixMillis,
    },
}

/// Events of a name (`evt.name.<digest>`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type")]
pub enum NameEvent {
    /// It is held, until `until` for certain.
    #[serde(rename = "reserved.1")]
    Reserved {
        /// For which character.
        character: CharacterId,
        /// Whose.
        account: AccountId,
        /// Until when, unless it is kept.
        until: UnixMillis,
    },
    /// It is its character's own.
    #[serde(rename = "kept.1")]
    Kept {
        /// Whose.
        character: CharacterId,
    },
    /// It will be free.
    #[serde(rename = "released.1")]
    Released {
        /// Whose it was.
        character: CharacterId,
        /// From when on.
        at: UnixMillis,
    },
    /// Something that a newer build wrote.
    #[serde(other)]
    Unknown,
}

/// The state of a name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Name {
    /// Whose it is or was last.
    pub character: Option<CharacterId>,
    /// The account of that character.
    pub account: Option<AccountId>,
    /// Free from then on; `None`: kept.
    pub until: Option<UnixMillis>,
}

/// Answers of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NameReply {
    /// It is so now.
    Done,
}
