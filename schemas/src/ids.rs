//! Numbers and names with a meaning, each a type of its own.
//!
//! 64-bit random ids travel as integers in MessagePack and as 13-character lower-case base-32
//! strings in JSON, where a JavaScript number would lose their last bits. Both forms are read
//! everywhere.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Steps in one tick: motion is computed in steps of 20 ms, decisions are taken in ticks of 40 ms.
pub const STEPS_PER_TICK: u64 = 2;
/// Milliseconds in one tick.
pub const TICK_MILLIS: u64 = 40;
/// Milliseconds in one step.
pub const STEP_MILLIS: u64 = TICK_MILLIS / STEPS_PER_TICK;
/// Ticks in one second of an area that is on time.
pub const TICKS_PER_SECOND: u64 = 1000 / TICK_MILLIS;

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default,
            Serialize, Deserialize, schemars::JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The one after this.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<u64> for $name {
            fn from(value: u64) -> Self {
                Self(value)
            }
        }
    };
}

counter! {
    /// One fixed step of an area's decisions: 40 ms. Counts executed ticks; never skipped.
    Tick
}
counter! {
    /// The unit of time in motion: 20 ms, two to a tick. Tick `t` executes steps `2t` and `2t + 1`.
    Step
}
counter! {
    /// An event's place in its stream, given by the broker; 0 means "nothing yet".
    Sequence
}
counter! {
    /// The fencing token of an area's owner; rises by one with every ownership frame.
    Epoch
}
counter! {
    /// A frame's place in the unbroken chain of its area, starting at 1.
    FrameNo
}
counter! {
    /// The fencing number of a character's session; the highest one wins.
    SessionFence
}
counter! {
    /// Milliseconds since 1970-01-01 UTC.
    UnixMillis
}

impl Tick {
    /// The first of this tick's steps.
    #[must_use]
    pub const fn first_step(self) -> Step {
        Step(self.0 * STEPS_PER_TICK)
    }

    /// The last of this tick's steps.
    #[must_use]
    pub const fn last_step(self) -> Step {
        Step(self.0 * STEPS_PER_TICK + STEPS_PER_TICK - 1)
    }
}

impl Step {
    /// The tick that executes this step.
    #[must_use]
    pub const fn tick(self) -> Tick {
        Tick(self.0 / STEPS_PER_TICK)
    }
}

impl UnixMillis {
    /// The wall clock, for services; the world never calls this.
    #[must_use]
    pub fn now() -> Self {
        #[cfg(feature = "simulation")]
        let since = Some(ambient::wall_clock());
        #[cfg(not(feature = "simulation"))]
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX));
        #[cfg(feature = "fault-injection")]
        let now = crate::wrong_clock::shown(now);
        Self(now)
    }
}

/// A client's own numbering of its commands, starting at 1 with each session.
pub type ClientSeq = u32;

/// A body's small number within one area; reused, but never within the tick that freed it.
pub type Handle = u16;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {wanted}")]
pub struct ParseIdError {
    text: String,
    wanted: &'static str,
}

fn write_base32(value: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for i in (0..13).rev() {
        let digit = usize::try_from((value >> (i * 5)) & 31).unwrap_or(0);
        fmt::Write::write_char(f, char::from(ALPHABET[digit]))?;
    }
    Ok(())
}

fn parse_base32(text: &str) -> Option<u64> {
    if text.len() != 13 {
        return None;
    }
    text.bytes().try_fold(0_u64, |value, byte| {
        let digit = ALPHABET.iter().position(|&c| c == byte)? as u64;
        (value >> 59 == 0).then_some((value << 5) | digit)
    })
}

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_base32(self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_base32(text).map(Self).ok_or_else(|| ParseIdError {
                    text: text.chars().take(40).collect(),
                    wanted: "an id of 13 base-32 characters",
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_u64(self.0)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Either;
                impl Visitor<'_> for Either {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an id: an integer or 13 base-32 characters")
                    }

                    fn visit_u64<E: de::Error>(self, value: u64) -> Result<$name, E> {
                        Ok($name(value))
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                // `any`, because a tagged enum buffers its fields and then forgets
                // whether the format was human readable.
                deserializer.deserialize_any(Either)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": "^[0-9a-hjkmnp-tv-z]{13}$",
                    "description": "64 random bits; an unsigned integer in MessagePack",
                })
            }
        }
    };
}

random_id! {
    /// A character: what a player plays. In exactly one aggregate at each moment.
    CharacterId
}
random_id! {
    /// An account: who may log in.
    AccountId
}
random_id! {
    /// A login session: a device that is logged in to an account.
    LoginId
}
random_id! {
    /// Drawn at random for each attempt to own an area, so that two claimants of one epoch differ.
    Claim
}
random_id! {
    /// One running edge process.
    EdgeId
}
random_id! {
    /// A stream's random birth mark, kept in its metadata; a restore writes a new one.
    Incarnation
}

/// A worker's name, unique among running workers.
pub type WorkerId = String;

/// Where an area lives in the namespace: one subject token, map and instance (`harbor-1`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct AreaId(String);

impl AreaId {
    /// Checks `text`: 1 to 48 characters of `a-z`, `0-9` and `-`, starting with a letter.
    ///
    /// # Errors
    /// When the text could not be a single subject token of that form.
    pub fn new(text: impl Into<String>) -> Result<Self, ParseIdError> {
        let text = text.into();
        let fits = (1..=48).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits {
            Ok(Self(text))
        } else {
            Err(ParseIdError {
                text: text.chars().take(60).collect(),
                wanted: "an area: 1 to 48 of a-z, 0-9 and '-', starting with a letter",
            })
        }
    }

    /// The token itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The map's name: the token without its instance number (`harbor-1` → `harbor`).
    #[must_use]
    pub fn map(&self) -> &str {
        match self.0.rsplit_once('-') {
            Some((map, instance)) if instance.bytes().all(|b| b.is_ascii_digit()) => map,
            _ => &self.0,
        }
    }
}

impl fmt::Display for AreaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AreaId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for AreaId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// The first 128 bits of a SHA-256: of a frame's bytes, of a map file, of a token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(pub [u8; 16]);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        let full = sha2::Sha256::digest(bytes);
        let mut short = [0; 16];
        short.copy_from_slice(&full[..16]);
        Self(short)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let wrong = || ParseIdError {
            text: text.chars().take(40).collect(),
            wanted: "a digest of 32 hexadecimal characters",
        };
        if text.len() != 32 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Digest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("16 bytes or 32 hexadecimal characters")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Digest, E> {
                bytes
                    .try_into()
                    .map(Digest)
                    .map_err(|_| E::invalid_length(bytes.len(), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Digest, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl schemars::JsonSchema for Digest {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Digest".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-9a-f]{32}$",
            "description": "the first 128 bits of a SHA-256; 16 raw bytes in MessagePack",
        })
    }
}

/// How far an area has consumed its command stream: a message and how many commands of it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct CommandPosition {
    /// Which life of the command stream `sequence` counts in.
    #[serde(rename = "inc")]
    pub incarnation: Incarnation,
    /// The last command message of which anything has been consumed; 0 before the first.
    #[serde(rename = "seq")]
    pub sequence: Sequence,
    /// How many of that message's commands have been consumed.
    #[serde(rename = "idx")]
    pub index: u32,
}

// A stream that was restored goes on in its parent's numbers: whatever life positions are of, the
// one with the lower sequence comes first.
impl Ord for CommandPosition {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |at: &Self| (at.sequence, at.index, at.incarnation);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for CommandPosition {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_text_and_from_bytes() {
        for value in [0, 1, 31, 32, u64::MAX, 0x0123_4567_89ab_cdef] {
            let id = CharacterId(value);
            assert_eq!(id.to_string().parse::<CharacterId>(), Ok(id));
            let json = serde_json::to_string(&id).unwrap();
            assert_eq!(serde_json::from_str::<CharacterId>(&json).unwrap(), id);
            let packed = rmp_serde::to_vec(&id).unwrap();
            assert_eq!(rmp_serde::from_slice::<CharacterId>(&packed).unwrap(), id);
        }
        assert!(
            "zzzzzzzzzzzzz".parse::<CharacterId>().is_err(),
            "more than 64 bits"
        );
    }

    #[test]
    fn positions_in_the_parent_of_a_restored_stream_come_before_those_after_it() {
        let at = |incarnation, sequence, index| CommandPosition {
            incarnation: Incarnation(incarnation),
            sequence: Sequence(sequence),
            index,
        };
        assert!(at(9, 100, 1) < at(1, 101, 1) && at(1, 100, 2) > at(9, 100, 1));
    }

    #[test]
    fn an_area_is_one_subject_token() {
        assert_eq!(AreaId::new("harbor-1").unwrap().map(), "harbor");
        assert_eq!(AreaId::new("old-mill-12").unwrap().map(), "old-mill");
        for wrong in ["", "Harbor-1", "a.b", "a*", "1a", "a b", &"a".repeat(49)] {
            assert!(AreaId::new(wrong).is_err(), "{wrong:?}");
        }
    }
}
