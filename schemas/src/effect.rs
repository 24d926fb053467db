//! Effects: messages from one aggregate to another, delivered exactly once.
//!
//! Effects between one source and one target are numbered from 1 without gaps. The source's
//! frame (or keyed event) *is* the pending effect; it is sent again from the lowest pending one
//! until the target has confirmed it. The target applies only `last + 1`, confirms again what it
//! has had, and refuses a gap without confirming.

use serde::{Deserialize, Serialize};

use crate::fact::DepartureReason;
use crate::ids::{
    AccountId, AreaId, CharacterId, ClientSeq, EdgeId, Sequence, SessionFence, UnixMillis,
};
use crate::outcome::Reason;
use crate::sealed::Sealed;
use crate::segment::InputBits;
use crate::subjects::AggregateId;

/// A character on its way, with all that must not be forgotten between two places.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Traveller {
    /// Who.
    pub character: CharacterId,
    /// Whose.
    pub account: AccountId,
    /// The character's name.
    pub name: Sealed,
    /// The session that may command it.
    pub session: SessionFence,
    /// The edge that holds that session.
    pub edge: EdgeId,
    /// The last client sequence that had its outcome, wherever that was.
    pub last_seq: ClientSeq,
    /// What the player held when leaving.
    pub held: InputBits,
    /// The last few rejections, so that a repeated command gets the same answer.
    #[serde(default)]
    pub rejections: Vec<(ClientSeq, Reason)>,
    /// The party it travels with, named after one of its members; 0: it travels alone. Where a map has several
    /// instances, those of one party come into the same.
    #[serde(default, skip_serializing_if = "is_alone")]
    pub party: CharacterId,
    /// How often it has been sent on to another instance since it was last admitted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hops: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_alone(party: &CharacterId) -> bool {
    party.0 == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero(hops: &u8) -> bool {
    *hops == 0
}

impl Traveller {
    /// The party it belongs to: whoever travels alone is a party of one, named after itself.
    #[must_use]
    pub const fn party_id(&self) -> CharacterId {
        party_id(self.party, self.character)
    }
}

/// The party of a `character` that says it travels with `party`.
#[must_use]
pub const fn party_id(party: CharacterId, character: CharacterId) -> CharacterId {
    if party.0 == 0 { character } else { party }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_unset(count: &u32) -> bool {
    *count == 0
}

/// Where a character was last seen, kept by the lobby.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LastSeen {
    /// In which area.
    pub area: AreaId,
    /// Left edge, 1/256 px.
    pub x: i32,
    /// Top edge, 1/256 px.
    pub y: i32,
}

/// Where in the target area a character shall appear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntryPoint {
    /// At the spawn point of that name; the map's first when there is none of it.
    Spawn(String),
    /// Where it stood; the nearest free place when that is inside a wall.
    At {
        /// Left edge, 1/256 px.
        x: i32,
        /// Top edge, 1/256 px.
        y: i32,
    },
}

/// What an effect asks of its target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type")]
pub enum EffectPayload {
    /// To an area: here is a character. Never refused: admitted, or sent on to the lobby.
    #[serde(rename = "enter.1")]
    Enter {
        /// Who.
        traveller: Box<Traveller>,
        /// Where to appear.
        entry: EntryPoint,
    },
    /// To an area: a newer session takes the character over.
    #[serde(rename = "take_session.1")]
    TakeSession {
        /// Who.
        character: CharacterId,
        /// The new fence.
        session: SessionFence,
        /// The edge that holds it.
        edge: EdgeId,
        /// Whether it continues the session before (client sequences go on) or is a new one
        /// (they begin at 1 again).
        resumed: bool,
    },
    /// To an area: the character shall leave the world.
    #[serde(rename = "leave_world.1")]
    LeaveWorld {
        /// Who.
        character: CharacterId,
        /// Sessions up to this one are meant; a newer one is left alone.
        session: SessionFence,
        /// Why.
        reason: DepartureReason,
    },
    /// To the lobby: the character is here now (news only; it stays in the area).
    #[serde(rename = "located.1")]
    Located {
        /// Who.
        character: CharacterId,
        /// Where.
        area: AreaId,
        /// Its session as the area knows it.
        session: SessionFence,
    },
    /// To an area, from its control: how it treats those who come. The newest holds.
    #[serde(rename = "steer.1")]
    Steer {
        /// It takes nobody any more, and sends on those who are in it.
        closed: bool,
        /// The instance of the same map to which it sends on those whom it does not take; `None`: to the lobby.
        overflow: Option<AreaId>,
        /// Bodies from which on it sends on who comes, if it has an `overflow`; 0: as the rules say.
        #[serde(default, skip_serializing_if = "is_unset")]
        soft: u32,
    },
    /// To the lobby: here is the character back.
    #[serde(rename = "returned.1")]
    Returned {
        /// Who.
        traveller: Box<Traveller>,
        /// Where it stood.
        last_seen: Option<LastSeen>,
        /// Why.
        reason: DepartureReason,
    },
    /// To the lobby: what you sent for this character came where it is not (any more) known.
    #[serde(rename = "not_here.1")]
    NotHere {
        /// Who.
        character: CharacterId,
        /// What came.
        bounced: Box<EffectPayload>,
    },
}

impl EffectPayload {
    /// The character that this is about; `None` when it is about none.
    #[must_use]
    pub fn character(&self) -> Option<CharacterId> {
        match self {
            Self::Steer { .. } => None,
            Self::Enter { traveller, .. } | Self::Returned { traveller, .. } => {
                Some(traveller.character)
            }
            Self::TakeSession { character, .. }
            | Self::LeaveWorld { character, .. }
            | Self::Located { character, .. }
            | Self::NotHere { character, .. } => Some(*character),
        }
    }
}

/// An effect as it stands in its source's frame or event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Effect {
    /// To whom.
    pub target: AggregateId,
    /// Its number between this source and this target, from 1.
    pub number: u64,
    /// When it was decided.
    pub issued_at: UnixMillis,
    /// What it asks.
    pub payload: EffectPayload,
}

/// The event in which an effect was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Cause {
    /// The stream of that event.
    pub stream: String,
    /// Its place there.
    pub sequence: Sequence,
}

/// An effect on its way to its target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EffectMessage {
    /// Who decided it.
    pub source: AggregateId,
    /// The event in which it was decided.
    pub cause: Cause,
    /// The effect.
    pub effect: Effect,
}

/// A target's receipt. Lost ones are repeated when the effect comes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Confirmation {
    /// Who has taken the effects.
    pub target: AggregateId,
    /// The highest number taken from this source.
    pub up_to: u64,
}
