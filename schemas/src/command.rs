//! What may stand in an area's command stream.

use serde::de::{self, IgnoredAny, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::effect::{Confirmation, EffectMessage};
use crate::ids::{CharacterId, ClientSeq, EdgeId, Handle, SessionFence};
use crate::sealed::Sealed;
use crate::segment::InputBits;

/// What a player asks of an area.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlayerAsk {
    /// Hold these keys from now on.
    Input {
        /// The keys.
        bits: InputBits,
        /// The step at which the client pressed them, by its own reckoning; 0 = at once.
        client_step: u64,
        /// The step that the client was looking at.
        view_step: u64,
    },
    /// Say something to those who are near.
    Say {
        /// What, sealed by the edge.
        text: Sealed,
    },
    /// Go through the door at which the body stands.
    UseDoor,
    /// Leave the world for the lobby.
    Leave,
    /// Something that a newer edge sent.
    Unknown,
}

impl PlayerAsk {
    /// A name for metrics and for people.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Input { .. } => "input",
            Self::Say { .. } => "say",
            Self::UseDoor => "use_door",
            Self::Leave => "leave",
            Self::Unknown => "unknown",
        }
    }
}

/// One command of one player, stamped by the edge.
///
/// Packed, because there are thousands a second: `[character, session, seq, kind, …]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayerCommand {
    /// Who asks.
    pub character: CharacterId,
    /// In which session.
    pub session: SessionFence,
    /// The client's numbering.
    pub seq: ClientSeq,
    /// What.
    pub ask: PlayerAsk,
}

impl schemars::JsonSchema for PlayerCommand {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PlayerCommand".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "packed: character, session, seq, kind (1 input, 2 say, 3 use_door, 4 leave), then the \
                            kind's own: bits, client_step, view_step; or the text",
            "type": "array",
            "minItems": 4,
            "prefixItems": [
                generator.subschema_for::<CharacterId>(),
                generator.subschema_for::<SessionFence>(),
                { "type": "integer", "minimum": 0 },
                { "type": "integer", "minimum": 0 },
            ],
        })
    }
}

impl Serialize for PlayerCommand {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            character,
            session,
            seq,
            ask,
        } = self;
        let length = match ask {
            PlayerAsk::Input { .. } => 7,
            PlayerAsk::Say { .. } => 5,
            PlayerAsk::UseDoor | PlayerAsk::Leave | PlayerAsk::Unknown => 4,
        };
        let mut tuple = serializer.serialize_tuple(length)?;
        tuple.serialize_element(character)?;
        tuple.serialize_element(session)?;
        tuple.serialize_element(seq)?;
        match ask {
            PlayerAsk::Unknown => tuple.serialize_element(&0)?,
            PlayerAsk::Input {
                bits,
                client_step,
                view_step,
            } => {
                tuple.serialize_element(&1)?;
                tuple.serialize_element(bits)?;
                tuple.serialize_element(client_step)?;
                tuple.serialize_element(view_step)?;
            }
            PlayerAsk::Say { text } => {
                tuple.serialize_element(&2)?;
                tuple.serialize_element(text)?;
            }
            PlayerAsk::UseDoor => tuple.serialize_element(&3)?,
            PlayerAsk::Leave => tuple.serialize_element(&4)?,
        }
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for PlayerCommand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Packed;
        impl<'de> Visitor<'de> for Packed {
            type Value = PlayerCommand;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("[character, session, seq, kind, …]")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<PlayerCommand, A::Error> {
                fn next<'de, A: SeqAccess<'de>, T: Deserialize<'de>>(
                    seq: &mut A,
                    at: usize,
                ) -> Result<T, A::Error> {
                    seq.next_element()?.ok_or_else(|| {
                        de::Error::invalid_length(at, &"[character, session, seq, kind, …]")
                    })
                }
                let character = next(&mut seq, 0)?;
                let session = next(&mut seq, 1)?;
                let number = next(&mut seq, 2)?;
                let ask = match next::<_, u64>(&mut seq, 3)? {
                    1 => PlayerAsk::Input {
                        bits: next(&mut seq, 4)?,
                        client_step: next(&mut seq, 5)?,
                        view_step: next(&mut seq, 6)?,
                    },
                    2 => PlayerAsk::Say {
                        text: next(&mut seq, 4)?,
                    },
                    3 => PlayerAsk::UseDoor,
                    4 => PlayerAsk::Leave,
                    _ => PlayerAsk::Unknown,
                };
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(PlayerCommand {
                    character,
                    session,
                    seq: number,
                    ask,
                })
            }
        }
        deserializer.deserialize_seq(Packed)
    }
}

/// Many players' commands, grouped by one edge.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PlayerBatch {
    /// Which edge.
    pub edge: EdgeId,
    /// Their commands, in the order of arrival.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<PlayerCommand>,
    /// Keep-alive: the bodies whose sessions this edge holds, with their fences. Counts as one
    /// more command after the others when present.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alive: Vec<(Handle, SessionFence)>,
}

/// A message in an area's command stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type")]
pub enum AreaMessage {
    /// From an edge.
    #[serde(rename = "players.1")]
    Players(PlayerBatch),
    /// From another aggregate.
    #[serde(rename = "effect.1")]
    Effect(EffectMessage),
    /// A receipt from another aggregate.
    #[serde(rename = "confirmation.1")]
    Confirmation(Confirmation),
}

impl AreaMessage {
    /// How many commands it holds; every one of them gets an outcome.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Players(batch) => batch.commands.len() + usize::from(!batch.alive.is_empty()),
            Self::Effect(_) | Self::Confirmation(_) => 1,
        }
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
