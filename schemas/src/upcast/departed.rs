//! `departed.1`: said where to in one nested value, and neither whose the character was nor where
//! it stood. Up to rules version 2.

use serde::Deserialize;

use crate::fact::{DepartureReason, Destination, Fact};
use crate::ids::{AreaId, CharacterId, Handle};

/// A character left the area; the effect of the same frame holds it.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
pub(super) struct Departed1 {
    /// The number its body had here.
    handle: Handle,
    /// Who.
    character: CharacterId,
    /// Where to.
    to: Destination1,
    /// Why.
    reason: DepartureReason,
}

/// Where a character goes when it leaves an area.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Destination1 {
    /// Another area, arriving at the spawn point of that name.
    Area {
        /// Which.
        area: AreaId,
        /// Name of the spawn point there.
        spawn: String,
    },
    /// The lobby, which keeps the characters that are not in the world.
    Lobby,
}

impl From<Departed1> for Fact {
    fn from(old: Departed1) -> Self {
        Self::Departed {
            handle: old.handle,
            character: old.character,
            account: None,
            to: match old.to {
                Destination1::Area { area, spawn } => Destination::Area { area, spawn },
                Destination1::Lobby => Destination::Lobby,
            },
            reason: old.reason,
            stood: None,
        }
    }
}
