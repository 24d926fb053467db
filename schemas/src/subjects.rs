//! Every subject, built and parsed in one place.
//!
//! | subject | what |
//! |---|---|
//! | `cmd.area.<area>.edge.<edge>` | players' commands to an area |
//! | `cmd.area.<area>.control.<area>` | effects and confirmations of an area's control |
//! | `cmd.area.<area>.<source>` | another aggregate's effects and confirmations to an area |
//! | `evt.area.<area>` | its frames |
//! | `cmd.<domain>.<partition>.<key>` | commands to a keyed aggregate |
//! | `cmd.<domain>.<partition>.<key>.from.<source>` | another aggregate's effects and confirmations to it |
//! | `evt.<domain>.<key>` | its events |
//! | `fact.<type>.<area>.<player>` | one event on its own, derived; `-` where there is none |
//! | `live.<evt or fact subject>` | the same, republished by the broker after storing |
//! | `wake.area.<area>` | hint to a sleeping area |
//! | `ready.area.<area>` | a worker is ready to take an area that is handed over to it; not stored |
//! | `reply.<edge>.<request>` | answers to one edge, not stored |
//! | `hb.worker.<worker>` | workers' heartbeats, not stored |
//!
//! A command's subject says what kind of sender it has, because that is what the broker's rights
//! can tell apart; [`AreaMessage::received`] and [`KeyedMessage::received`] hold messages to it.
//!
//! [`AreaMessage::received`]: crate::command::AreaMessage::received
//! [`KeyedMessage::received`]: crate::keyed::KeyedMessage::received

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
    /// Credentials; key: where [`crate::locate::Locator`] finds it, 32 hexadecimal characters.
    Credential,
    /// Reserved names of characters; key: as of credentials.
    Name,
    /// Characters outside the world and their sessions; key: character id.
    Lobby,
    /// Which areas exist, and how they are led; key: area.
    Control,
    /// What operators want of workers; key: the worker's name.
    Fleet,
}

impl Domain {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Identity,
        Self::Credential,
        Self::Name,
        Self::Lobby,
        Self::Control,
        Self::Fleet,
    ];

    /// Its subject token.
    #[must_use]
    pub const fn token(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Credential => "credential",
            Self::Name => "name",
            Self::Lobby => "lobby",
            Self::Control => "control",
            Self::Fleet => "fleet",
        }
    }

    /// The stream of its commands.
    #[must_use]
    pub const fn command_stream(self) -> &'static str {
        match self {
            Self::Identity => "IDENTITY_COMMANDS",
            Self::Credential => "CREDENTIAL_COMMANDS",
            Self::Name => "NAME_COMMANDS",
            Self::Lobby => "LOBBY_COMMANDS",
            Self::Control => "CONTROL_COMMANDS",
            Self::Fleet => "FLEET_COMMANDS",
        }
    }

    /// The stream of its events.
    #[must_use]
    pub const fn event_stream(self) -> &'static str {
        match self {
            Self::Identity => "IDENTITY_EVENTS",
            Self::Credential => "CREDENTIAL_EVENTS",
            Self::Name => "NAME_EVENTS",
            Self::Lobby => "LOBBY_EVENTS",
            Self::Control => "CONTROL_EVENTS",
            Self::Fleet => "FLEET_EVENTS",
        }
    }
}

/// The stream of all areas' commands (of the first shard).
pub const AREA_COMMANDS: &str = "AREA_COMMANDS";
/// The stream of all areas' frames (of the first shard).
pub const AREA_EVENTS: &str = "AREA_EVENTS";

/// The stream of single events, derived from the event streams for analysts.
pub const FACTS: &str = "FACTS";

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
    /// What leads an area from outside: the aggregate of the control domain with its name.
    Control(AreaId),
}

impl AggregateId {
    /// The subject on which `self` receives what `source` sends it.
    #[must_use]
    pub fn command_subject(&self, source: &Self) -> String {
        match self {
            Self::Area(area) => area_command(area, &Sender::Aggregate(source.clone())),
            Self::Character(character) => {
                keyed_command_from(Domain::Lobby, &character.to_string(), source)
            }
            Self::Control(area) => keyed_command_from(Domain::Control, area.as_str(), source),
        }
    }

    /// One subject token that names it: `area-harbor-1`, `character-…`, `control-harbor-1`.
    #[must_use]
    pub fn token(&self) -> String {
        match self {
            Self::Area(area) => format!("area-{area}"),
            Self::Character(character) => format!("character-{character}"),
            Self::Control(area) => format!("control-{area}"),
        }
    }

    /// The aggregate that a subject token names, if any.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        match token.split_once('-')? {
            ("area", area) => area.parse().map(Self::Area).ok(),
            ("character", id) => id.parse().map(Self::Character).ok(),
            ("control", area) => area.parse().map(Self::Control).ok(),
            _ => None,
        }
    }
}

/// Who may stand in the subject of a command to an area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// An edge, with its players' commands.
    Edge(EdgeId),
    /// Another aggregate, with its effects and confirmations.
    Aggregate(AggregateId),
}

impl fmt::Display for AggregateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Area(area) => write!(f, "area.{area}"),
            Self::Character(character) => write!(f, "character.{character}"),
            Self::Control(area) => write!(f, "control.{area}"),
        }
    }
}

/// Why a text names no aggregate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no aggregate: expected area.<area>, character.<id> or control.<area>")]
pub struct ParseAggregateError(String);

impl FromStr for AggregateId {
    type Err = ParseAggregateError;

    fn from_str(text: &str) -> Result<Self, ParseAggregateError> {
        let wrong = || ParseAggregateError(text.chars().take(80).collect());
        match text.split_once('.').ok_or_else(wrong)? {
            ("area", area) => area.parse().map(Self::Area).map_err(|_| wrong()),
            ("character", id) => id.parse().map(Self::Character).map_err(|_| wrong()),
            ("control", area) => area.parse().map(Self::Control).map_err(|_| wrong()),
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
        schemars::json_schema!({ "type": "string", "pattern": "^(area|character|control)\\..+$" })
    }
}

/// `cmd.area.<area>.edge.<edge>`, `….control.<area>` or `….<source>`, by who sends.
#[must_use]
pub fn area_command(area: &AreaId, sender: &Sender) -> String {
    match sender {
        Sender::Edge(edge) => format!("cmd.area.{area}.edge.{edge}"),
        Sender::Aggregate(AggregateId::Control(control)) => {
            format!("cmd.area.{area}.control.{control}")
        }
        Sender::Aggregate(source) => format!("cmd.area.{area}.{}", source.token()),
    }
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

/// `cmd.<domain>.<partition>.<key>.from.<source>`: what another aggregate sends.
#[must_use]
pub fn keyed_command_from(domain: Domain, key: &str, source: &AggregateId) -> String {
    format!("{}.from.{}", keyed_command(domain, key), source.token())
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

/// `fact.<type>.<area>.<player>`, with `-` where the event has no area or no player.
#[must_use]
pub fn fact(kind: &str, area: Option<&AreaId>, player: Option<CharacterId>) -> String {
    let area = area.map_or("-", AreaId::as_str);
    match player {
        Some(player) => format!("fact.{kind}.{area}.{player}"),
        None => format!("fact.{kind}.{area}.-"),
    }
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

/// Where a worker says that it is ready to take an area over from its owner; the payload is its name.
#[must_use]
pub fn ready(area: &AreaId) -> String {
    format!("ready.area.{area}")
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
    /// `cmd.area.<area>.…`, with who sends; `None`: nobody who may. It stands in the area's
    /// stream all the same, so it has its place and its outcome.
    AreaCommand(AreaId, Option<Sender>),
    /// `evt.area.<area>`.
    AreaEvents(AreaId),
    /// `cmd.<domain>.<partition>.<key>`, in the partition of that key; with the source when it
    /// ends in `.from.<source>`.
    KeyedCommand(Domain, u64, String, Option<AggregateId>),
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
        let keyed = |token: &str, partition: &str, key: &str, source| {
            match (domain(token), partition.parse()) {
                // In another partition it would not be in order with the others of its key.
                (Some(domain), Ok(partition)) if partition == fixed_hash(key) % PARTITIONS => {
                    Self::KeyedCommand(domain, partition, key.to_owned(), source)
                }
                _ => Self::Other,
            }
        };
        match parts.as_slice() {
            ["cmd", "area", area, sender @ ..] if !sender.is_empty() => {
                AreaId::new(*area).map_or(Self::Other, |area| {
                    let sender = match sender {
                        ["edge", edge] => edge.parse().map(Sender::Edge).ok(),
                        ["control", area] => AreaId::new(*area)
                            .map(|area| Sender::Aggregate(AggregateId::Control(area)))
                            .ok(),
                        // Its own kind of subject, so that a right can tell it apart.
                        [source] => AggregateId::from_token(source)
                            .filter(|source| !matches!(source, AggregateId::Control(_)))
                            .map(Sender::Aggregate),
                        _ => None,
                    };
                    Self::AreaCommand(area, sender)
                })
            }
            ["evt", "area", area] => AreaId::new(*area).map_or(Self::Other, Self::AreaEvents),
            ["cmd", token, partition, key] => keyed(token, partition, key, None),
            ["cmd", token, partition, key, "from", source] => AggregateId::from_token(source)
                .map_or(Self::Other, |source| {
                    keyed(token, partition, key, Some(source))
                }),
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
            Subject::AreaCommand(area.clone(), Some(Sender::Aggregate(from.clone())))
        );
        let control = AggregateId::Control(area.clone());
        let led = AggregateId::Area(area.clone()).command_subject(&control);
        assert_eq!(led, "cmd.area.harbor-1.control.harbor-1");
        assert_eq!(
            Subject::parse(&led),
            Subject::AreaCommand(area.clone(), Some(Sender::Aggregate(control)))
        );
        assert_eq!(
            Subject::parse("cmd.area.harbor-1.control-harbor-1"),
            Subject::AreaCommand(area.clone(), None)
        );
        let edge = Some(Sender::Edge(EdgeId(7)));
        assert_eq!(
            Subject::parse(&area_command(&area, &Sender::Edge(EdgeId(7)))),
            Subject::AreaCommand(area.clone(), edge)
        );
        assert_eq!(
            Subject::parse(&area_events(&area)),
            Subject::AreaEvents(area)
        );
        let key = CharacterId(42).to_string();
        assert_eq!(
            Subject::parse(&keyed_command(Domain::Lobby, &key)),
            Subject::KeyedCommand(
                Domain::Lobby,
                fixed_hash(&key) % PARTITIONS,
                key.clone(),
                None
            )
        );
        assert_eq!(
            Subject::parse(&AggregateId::Character(CharacterId(42)).command_subject(&from)),
            Subject::KeyedCommand(
                Domain::Lobby,
                fixed_hash(&key) % PARTITIONS,
                key,
                Some(from)
            )
        );
        assert_eq!(Subject::parse("evt.nobody.x"), Subject::Other);
        assert_eq!(Subject::parse("evt.area.Not-One"), Subject::Other);
    }

    #[test]
    fn who_may_not_send_is_nobody_and_still_has_a_place() {
        let area = AreaId::new("harbor-1").unwrap();
        let edge = EdgeId(7);
        for sender in [
            edge.to_string(),
            "edge".into(),
            "edge.x".into(),
            format!("edge.{edge}.more"),
            "area-Not-One".into(),
            "guild-1".into(),
        ] {
            assert_eq!(
                Subject::parse(&format!("cmd.area.harbor-1.{sender}")),
                Subject::AreaCommand(area.clone(), None)
            );
        }
        assert_eq!(Subject::parse("cmd.area.harbor-1"), Subject::Other);
    }

    #[test]
    fn a_key_is_commanded_in_its_own_partition_only() {
        let own = fixed_hash("k") % PARTITIONS;
        for subject in [
            format!("cmd.lobby.{}.k", (own + 1) % PARTITIONS),
            format!("cmd.lobby.{own}.k.from.nobody"),
            format!("cmd.lobby.{own}.k.area-harbor-1"),
        ] {
            assert_eq!(Subject::parse(&subject), Subject::Other);
        }
    }

    #[test]
    fn a_fact_is_found_by_its_kind_area_and_player() {
        let area = AreaId::new("harbor-1").unwrap();
        let player = CharacterId(42);
        assert_eq!(
            fact("spoken", Some(&area), Some(player)),
            format!("fact.spoken.harbor-1.{player}")
        );
        assert_eq!(fact("logged_in", None, None), "fact.logged_in.-.-");
    }

    #[test]
    fn partitions_never_move() {
        assert_eq!(fixed_hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fixed_hash("a"), 0xaf63_dc4c_8601_ec8c);
    }
}
