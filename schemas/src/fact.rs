//! Facts: what happened in an area, each self-describing with a type and a version.
//!
//! A change of meaning or shape gets a new version (`"departed.2"`), and the old one an upcaster
//! ([`crate::upcast`]): whatever stands in the log, a fact in memory is the latest. An added field
//! gets a serde default. A type that this build does not know reads as [`Fact::Unknown`]:
//! projections pass over it, and a fold that would need it is found out by the frame's hash.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::effect::Traveller;
use crate::ids::{
    AccountId, AreaId, CharacterId, Digest, EdgeId, Handle, Sequence, SessionFence, Tick, WorkerId,
};
use crate::sealed::Sealed;
use crate::segment::{Controller, Segment};
use crate::subjects::AggregateId;

/// Where a character goes when it leaves an area. Stored flat, as `to` and `spawn`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(from = "To", into = "To")]
#[schemars(with = "To")]
pub enum Destination {
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

/// A [`Destination`] as it is stored.
#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema)]
struct To {
    /// The area that it goes to; null: the lobby, which keeps the characters that are not in the world.
    to: Option<AreaId>,
    /// Name of the spawn point there; null: the lobby has none.
    #[serde(default)]
    spawn: Option<String>,
}

impl From<To> for Destination {
    fn from(To { to, spawn }: To) -> Self {
        to.map_or(Self::Lobby, |area| Self::Area {
            area,
            spawn: spawn.unwrap_or_default(),
        })
    }
}

impl From<Destination> for To {
    fn from(destination: Destination) -> Self {
        match destination {
            Destination::Area { area, spawn } => Self {
                to: Some(area),
                spawn: Some(spawn),
            },
            Destination::Lobby => Self {
                to: None,
                spawn: None,
            },
        }
    }
}

/// A place in an area: the upper left corner of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Spot {
    /// Left edge, 1/256 px.
    pub x: i32,
    /// Top edge, 1/256 px; grows downwards.
    pub y: i32,
}

/// Why a character left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DepartureReason {
    /// Through a door.
    Door,
    /// The player logged out.
    Logout,
    /// Its session was not heard for too long.
    LinkDead,
    /// The area could not take it (full or closed, or the character was already elsewhere).
    SentOn,
    /// The area was full or closed, and sent it on to another instance of its map.
    Overflow,
    /// An operator's order.
    Kicked,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_unset(count: &u32) -> bool {
    *count == 0
}

/// One thing that happened. Applied by `evolve`, in order, before the frame's motion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", remote = "Self")]
pub enum Fact {
    /// A worker took the area: the first fact of its first frame.
    #[serde(rename = "owned.1")]
    Owned {
        /// Who.
        worker: WorkerId,
        /// The build that decides from here on.
        build: String,
        /// The version of the rules that decides from here on.
        rules: u32,
        /// The map's name.
        map: String,
        /// Digest of the map file.
        map_hash: Digest,
        /// Seed of the area's counter-based random numbers.
        seed: u64,
        /// Version of the canonical encoding under the state hashes.
        hash_version: u32,
        /// The tick up to which the world was stepped without commands before this frame.
        resume_tick: Tick,
        /// Command messages that retention took before they were consumed: first and last.
        #[serde(default)]
        lost: Option<(Sequence, Sequence)>,
    },
    /// The area went to sleep; no ticks until it is owned again.
    #[serde(rename = "hibernated.1")]
    Hibernated {},
    /// The owner gave the area up after this frame.
    #[serde(rename = "released.1")]
    Released {
        /// Who.
        worker: WorkerId,
    },
    /// A character came into the area.
    #[serde(rename = "arrived.1")]
    Arrived {
        /// Its body's number here.
        handle: Handle,
        /// Who, with all that travels along.
        traveller: Box<Traveller>,
        /// From which aggregate.
        from: AggregateId,
        /// How it moves from here on.
        segment: Segment,
        /// What steers it.
        controller: Controller,
    },
    /// A character left the area; the effect of the same frame holds it.
    #[serde(rename = "departed.2")]
    Departed {
        /// The number its body had here.
        handle: Handle,
        /// Who.
        character: CharacterId,
        /// Whose; `None`: an older build did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<AccountId>,
        /// Where to.
        #[serde(flatten)]
        to: Destination,
        /// Why.
        reason: DepartureReason,
        /// Where it stood; `None`: an older build did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stood: Option<Spot>,
    },
    /// A newer session of the same character took over; commands of older ones are refused.
    #[serde(rename = "session_taken.1")]
    SessionTaken {
        /// Whose.
        handle: Handle,
        /// Who.
        character: CharacterId,
        /// The new fence.
        session: SessionFence,
        /// The edge that holds it.
        edge: EdgeId,
        /// Whether client sequences go on (resumed) or begin at 1 again.
        resumed: bool,
    },
    /// A session has not been heard for a while; the character stands still.
    #[serde(rename = "link_lost.1")]
    LinkLost {
        /// Whose.
        handle: Handle,
        /// Who.
        character: CharacterId,
    },
    /// A lost session is heard again.
    #[serde(rename = "link_restored.1")]
    LinkRestored {
        /// Whose.
        handle: Handle,
        /// Who.
        character: CharacterId,
    },
    /// Somebody said something.
    #[serde(rename = "spoken.1")]
    Spoken {
        /// Whose body.
        handle: Handle,
        /// Who.
        character: CharacterId,
        /// What, sealed.
        text: Sealed,
    },
    /// From now on the area treats those who come like this.
    #[serde(rename = "steered.1")]
    Steered {
        /// It takes nobody any more.
        closed: bool,
        /// To which instance of its map it sends on those whom it does not take; `None`: to the lobby.
        overflow: Option<AreaId>,
        /// Bodies from which on it sends on who comes, if it has an `overflow`; 0: as the rules say.
        #[serde(default, skip_serializing_if = "is_unset")]
        soft: u32,
    },
    /// A target has taken this area's effects up to a number.
    #[serde(rename = "effects_confirmed.1")]
    EffectsConfirmed {
        /// Which target.
        target: AggregateId,
        /// The highest number it has taken.
        up_to: u64,
    },
    /// Something that a newer build wrote.
    #[serde(other)]
    Unknown,
}

impl Fact {
    /// Reads the latest version of each type, and no older one.
    pub(crate) fn deserialize_latest<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::deserialize(from)
    }

    /// Writes the latest version.
    pub(crate) fn serialize_latest<S: Serializer>(fact: &Self, to: S) -> Result<S::Ok, S::Error> {
        Self::serialize(fact, to)
    }

    /// The type and its latest version, under which it is written (`spoken.1`); what was read may have
    /// stood in the log in an older one.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Owned { .. } => "owned.1",
            Self::Hibernated {} => "hibernated.1",
            Self::Released { .. } => "released.1",
            Self::Arrived { .. } => "arrived.1",
            Self::Departed { .. } => "departed.2",
            Self::SessionTaken { .. } => "session_taken.1",
            Self::LinkLost { .. } => "link_lost.1",
            Self::LinkRestored { .. } => "link_restored.1",
            Self::Spoken { .. } => "spoken.1",
            Self::Steered { .. } => "steered.1",
            Self::EffectsConfirmed { .. } => "effects_confirmed.1",
            Self::Unknown => "unknown",
        }
    }
}
