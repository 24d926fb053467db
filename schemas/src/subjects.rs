//! Every subject, built and parsed in one place.
//!
//! | subject | what |
//! |---|---|
//! | `cmd.area.<area>.<source>` | commands to an area |
//! | `evt.area.<area>` | its frames |
//! | `cmd.<domain>.<partition>.<key>` | commands to a keyed aggregate |
//! | `evt.<domain>.<key>` | its events |
//! | `live.<evt subject>` | the same, republished by the broker after storing |
//! | `wake.area.<area>` | hint to a sleeping area |
//! | `reply.<edge>.<request>` | answers to one edge, not stored |
//! | `hb.worker.<worker>` | workers' heartbeats, not stored |

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::ids::{AccountId, AreaId, CharacterId, EdgeId};

/// Partitions of each keyed domain: order is kept within one.
pub const PARTITIONS: u64 = 16;

/// A domain of small aggregates, each loaded on demand by its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Domain {
    /// Accounts; key: account id.
    Identity,
    /// Characters outside the world and their sessions; key: character id.
    Lobby,
    /// Which areas exist; key: area.
    Control,
}

impl Domain {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Identity, Self::Lobby, Self::Control];

    /// Its subject token.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Lobby => "lobby",
            Self::Control => "control",
        }
    }

    /// The stream of its commands.
    #[must_use]
    pub const fn command_stream(self) -> &'static str {
        match self {
            Self::Identity => "IDENTITY_COMMANDS",
            Self::Lobby => "LOBBY_COMMANDS",
            Self::Control => "CONTROL_COMMANDS",
        }
    }

    /// The stream of its events.
    #[must_use]
    pub const fn event_stream(self) -> &'static str {
        match self {
            Self::Identity => "IDENTITY_EVENTS",
            Self::Lobby => "LOBBY_EVENTS",
            Self::Control => "CONTROL_EVENTS",
        }
    }
}

/// The stream of all areas' commands (of the first shard).
pub const AREA_COMMANDS: &str = "AREA_COMMANDS";
/// The stream of all areas' frames (of the first shard).
pub const AREA_EVENTS: &str = "AREA_EVENTS";

/// FNV-1a, 64 bits: the fixed hash that places keys on partitions and areas on shards.
#[must_use]
pub fn fixed_hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// An aggregate that decides: the source or the target of effects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AggregateId {
    /// An area.
    Area(AreaId),
    /// A character in the lobby's keeping.
    Character(CharacterId),
}

impl AggregateId {
    /// The subject on which `self` receives what `source` sends it.
    #[must_use]
    pub fn command_subject(&self, source: &Self) -> String {
        match self {
            Self::Area(area) => area_command(area, &source.token()),
            Self::Character(character) => keyed_command(Domain::Lobby, &character.to_string()),
        }
    }

    /// One subject token that names it: `area-harbor-1`, `character-…`.
    #[must_use]
    pub fn token(&self) -> String {
        match self {
            Self::Area(area) => format!("area-{area}"),
            Self::Character(character) => format!("character-{character}"),
        }
    }
}

impl fmt::Display for AggregateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Area(area) => write!(f, "area.{area}"),
            Self::Character(character) => write!(f, "character.{character}"),
        }
    }
}

/// Why a text names no aggregate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no aggregate: expected area.<area> or character.<id>")]
pub struct ParseAggregateError(String);

impl FromStr for AggregateId {
    type Err = ParseAggregateError;

    fn from_str(text: &str) -> Result<Self, ParseAggregateError> {
        let wrong = || ParseAggregateError(text.chars().take(80).collect());
        match text.split_once('.').ok_or_else(wrong)? {
            ("area", area) => area.parse().map(Self::Area).map_err(|_| wrong()),
            ("character", id) => id.parse().map(Self::Character).map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }
}

impl Serialize for AggregateId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AggregateId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl schemars::JsonSchema for AggregateId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AggregateId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^(area|character)\\..+$" })
    }
}

/// `cmd.area.<area>.<source>`; the source is an edge's id or an aggregate's token.
#[must_use]
pub fn area_command(area: &AreaId, source: &str) -> String {
    format!("cmd.area.{area}.{source}")
}

/// All commands to one area.
#[must_use]
pub fn area_commands(area: &AreaId) -> String {
    format!("cmd.area.{area}.>")
}

/// The one subject of an area's frames.
#[must_use]
pub fn area_events(area: &AreaId) -> String {
    format!("evt.area.{area}")
}

/// `cmd.<domain>.<partition>.<key>`.
#[must_use]
pub fn keyed_command(domain: Domain, key: &str) -> String {
    format!(
        "cmd.{}.{}.{key}",
        domain.token(),
        fixed_hash(key) % PARTITIONS
    )
}

/// All commands of one partition.
#[must_use]
pub fn keyed_partition(domain: Domain, partition: u64) -> String {
    format!("cmd.{}.{partition}.>", domain.token())
}

/// `evt.<domain>.<key>`.
#[must_use]
pub fn keyed_events(domain: Domain, key: &str) -> String {
    format!("evt.{}.{key}", domain.token())
}

/// Where the broker republishes what it has stored on `subject`.
#[must_use]
pub fn live(subject: &str) -> String {
    format!("live.{subject}")
}

/// Hint to whoever owns or could own a sleeping area.
#[must_use]
pub fn wake(area: &AreaId) -> String {
    format!("wake.area.{area}")
}

/// Where an edge hears the answer to one request.
#[must_use]
pub fn reply(edge: EdgeId, request: u64) -> String {
    format!("reply.{edge}.{request}")
}

/// A worker's heartbeat.
#[must_use]
pub fn heartbeat(worker: &str) -> String {
    format!("hb.worker.{worker}")
}

/// What a stored subject turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// `cmd.area.<area>.<source>`.
    AreaCommand(AreaId, String),
    /// `evt.area.<area>`.
    AreaEvents(AreaId),
    /// `cmd.<domain>.<partition>.<key>`.
    KeyedCommand(Domain, u64, String),
    /// `evt.<domain>.<key>`.
    KeyedEvents(Domain, String),
    /// None of ours.
    Other,
}

impl Subject {
    /// Reads a stored subject.
    #[must_use]
    pub fn parse(subject: &str) -> Self {
        let parts: Vec<&str> = subject.split('.').collect();
        let domain = |token: &str| Domain::ALL.into_iter().find(|d| d.token() == token);
        match parts.as_slice() {
            ["cmd", "area", area, source] => AreaId::new(*area).map_or(Self::Other, |area| {
                Self::AreaCommand(area, (*source).to_owned())
            }),
            ["evt", "area", area] => AreaId::new(*area).map_or(Self::Other, Self::AreaEvents),
            ["cmd", token, partition, key] => match (domain(token), partition.parse()) {
                (Some(domain), Ok(partition)) => {
                    Self::KeyedCommand(domain, partition, (*key).to_owned())
                }
                _ => Self::Other,
            },
            ["evt", token, key] => {
                domain(token).map_or(Self::Other, |d| Self::KeyedEvents(d, (*key).to_owned()))
            }
            _ => Self::Other,
        }
    }
}

/// The account's key in its domain.
#[must_use]
pub fn account_key(account: AccountId) -> String {
    account.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_parsed() {
        let area = AreaId::new("harbor-1").unwrap();
        let from = AggregateId::Area(AreaId::new("forest-1").unwrap());
        assert_eq!(
            Subject::parse(&AggregateId::Area(area.clone()).command_subject(&from)),
            Subject::AreaCommand(area.clone(), "area-forest-1".into())
        );
        assert_eq!(
            Subject::parse(&area_events(&area)),
            Subject::AreaEvents(area)
        );
        let key = CharacterId(42).to_string();
        assert_eq!(
            Subject::parse(&keyed_command(Domain::Lobby, &key)),
            Subject::KeyedCommand(Domain::Lobby, fixed_hash(&key) % PARTITIONS, key)
        );
        assert_eq!(Subject::parse("evt.nobody.x"), Subject::Other);
        assert_eq!(Subject::parse("evt.area.Not-One"), Subject::Other);
    }

    #[test]
    fn partitions_never_move() {
        assert_eq!(fixed_hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fixed_hash("a"), 0xaf63_dc4c_8601_ec8c);
    }
}
