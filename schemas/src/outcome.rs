//! Outcomes: what became of every command a frame consumed.

use serde::{Deserialize, Serialize};

use crate::ids::{CharacterId, ClientSeq, Handle};
use crate::subjects::AggregateId;

/// Why a command was refused: an ordinary answer.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Reason {
    /// The character is not in this area; the edge asks where it is now.
    NotHere = 1,
    /// A newer session of this character has taken over.
    StaleSession = 2,
    /// It waited longer than five seconds in the log.
    Expired = 3,
    /// Its argument makes no sense (unknown key bits, an empty text).
    Invalid = 4,
    /// No door within reach.
    NoDoor = 5,
    /// Too much of it in one tick.
    TooMany = 6,
    /// The rules broke on it; reported to the operators.
    Fault = 7,
    /// It could not be decoded.
    Undecodable = 8,
    /// A client sequence further ahead of the last one than any honest client sends.
    OutOfOrder = 9,
    /// A kind of command that this build does not know.
    Unknown = 10,
}

impl Reason {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::NotHere,
        Self::StaleSession,
        Self::Expired,
        Self::Invalid,
        Self::NoDoor,
        Self::TooMany,
        Self::Fault,
        Self::Undecodable,
        Self::OutOfOrder,
        Self::Unknown,
    ];

    /// The number under which it goes over the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// One refused command of a player.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Rejected {
    /// Who asked.
    #[serde(rename = "c")]
    pub character: CharacterId,
    /// Its client sequence.
    #[serde(rename = "s")]
    pub seq: ClientSeq,
    /// Why.
    #[serde(rename = "r")]
    pub reason: Reason,
}

/// What became of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EffectVerdict {
    /// It was the next one and is part of the state now; confirmed.
    Applied,
    /// It had been applied before; confirmed again.
    Repeated,
    /// One before it is missing; not confirmed, the source will begin at its lowest pending one.
    Gap,
    /// Issued so long ago that the counter for its source may have been forgotten; not confirmed.
    Expired,
}

/// What became of one effect message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EffectOutcome {
    /// Whose.
    pub source: AggregateId,
    /// Which.
    pub number: u64,
    /// What became of it.
    pub verdict: EffectVerdict,
}

/// What became of every command that a frame consumed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Outcomes {
    /// Flat pairs (handle, client sequence): all of that body's commands up to this one have had
    /// their outcome; those not listed as rejected were accepted.
    #[serde(rename = "ok", default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<i64>,
    /// Refused commands.
    #[serde(rename = "no", default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<Rejected>,
    /// Effects from other aggregates.
    #[serde(rename = "fx", default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<EffectOutcome>,
    /// Bodies whose session was heard (keep-alives).
    #[serde(rename = "hb", default, skip_serializing_if = "Vec::is_empty")]
    pub heard: Vec<Handle>,
    /// Messages that could not be decoded; each is one rejection.
    #[serde(rename = "bad", default, skip_serializing_if = "is_zero")]
    pub undecodable: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Outcomes {
    /// The accepted pairs, typed; pairs that do not fit are passed over.
    pub fn accepted(&self) -> impl Iterator<Item = (Handle, ClientSeq)> + '_ {
        self.accepted.chunks_exact(2).filter_map(|pair| {
            Some((
                Handle::try_from(pair[0]).ok()?,
                ClientSeq::try_from(pair[1]).ok()?,
            ))
        })
    }

    /// Notes that `handle`'s commands up to `seq` have had their outcome.
    pub fn accept(&mut self, handle: Handle, seq: ClientSeq) {
        let known = self
            .accepted
            .chunks_exact_mut(2)
            .find(|pair| pair[0] == i64::from(handle));
        match known {
            Some(pair) => pair[1] = pair[1].max(i64::from(seq)),
            None => self.accepted.extend([i64::from(handle), i64::from(seq)]),
        }
    }

    /// Whether nothing was consumed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.accepted.is_empty()
            && self.rejected.is_empty()
            && self.effects.is_empty()
            && self.heard.is_empty()
            && self.undecodable == 0
    }
}
