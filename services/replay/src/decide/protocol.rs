//! What is said to a build that decides recorded commands in its own way, and what it answers.
//!
//! `PATH replay decide` is spoken to through its standard input and output, in MessagePack, each message behind its
//! length as four bytes, the highest first. Messages are in the log's own words: commands go as the bytes that were
//! recorded, so that each build reads them with its own eyes, and answers are frames. [`VERSION`] changes when that
//! changes; both sides name theirs first, and nothing else is said between different ones.
//!
//! | asked | answered |
//! |---|---|
//! | `Hello` | `Hello` |
//! | `Begin` | `Begun`, or `Failed` |
//! | `Ticks` | `Ticks`, one [`Answered`] for each [`Asked`], or `Failed` |
//!
//! The end of the input is the end.

use std::collections::BTreeMap;

use bytes::Bytes;
use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::{CharacterId, Handle, Incarnation, Sequence, Tick, UnixMillis};
use serde::{Deserialize, Serialize};

/// The version of this protocol.
pub(crate) const VERSION: u16 = 1;
/// No message is longer; what claims to be is none.
pub(crate) const MAX_MESSAGE_BYTES: u32 = 256 * 1024 * 1024;

/// What is said to the build that decides.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Question {
    /// The first message.
    Hello {
        /// [`VERSION`] of whoever asks.
        protocol: u16,
    },
    /// Decide from this state on.
    Begin(Begin),
    /// Decide these ticks, in order.
    Ticks(Vec<Asked>),
}

/// What it answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// Who decides.
    Hello(Decider),
    /// It stands where it was told to begin.
    Begun {
        /// Whether it has another map of that name than the one on which the area stood.
        other_map: bool,
    },
    /// What came of the ticks.
    Ticks(Vec<Answered>),
    /// It cannot do what it was asked, in words; nothing more of this area.
    Failed(String),
}

/// Who decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decider {
    /// The [`VERSION`] that it speaks.
    pub(crate) protocol: u16,
    /// Its build.
    pub(crate) build: String,
    /// Its rules.
    pub(crate) rules: u32,
}

/// Where to begin.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Begin {
    /// The area's state after a frame, as a snapshot of it is stored.
    pub(crate) state: Bytes,
    /// The numbers of the rules that are to be others.
    pub(crate) rules: BTreeMap<String, i64>,
}

/// A tick to be decided.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// Which; the next one, or further on when a new owner took the area.
    pub(crate) tick: Tick,
    /// When.
    pub(crate) at: UnixMillis,
    /// What the owner's own life adds: `Owned`, `Hibernated`, `Released`.
    pub(crate) orders: Vec<Fact>,
    /// Who had left by then, as recorded: whoever of them is still here leaves before anything else.
    pub(crate) left: Vec<Fact>,
    /// Whose bodies the handles in `messages` meant.
    pub(crate) who: Vec<(Handle, CharacterId)>,
    /// What was consumed in this tick.
    pub(crate) messages: Vec<Message>,
    /// Commands on which the rules broke, to be refused without being looked at.
    pub(crate) faults: Vec<(Sequence, u32)>,
}

/// A command message, or the part of it that a tick consumed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Message {
    /// On which subject.
    pub(crate) subject: String,
    /// Its place.
    pub(crate) sequence: Sequence,
    /// In which life of the stream its consumer counted.
    pub(crate) incarnation: Incarnation,
    /// When the broker stored it.
    pub(crate) stored_at: UnixMillis,
    /// The first of its commands that was consumed, from 1.
    pub(crate) first: u32,
    /// The last one.
    pub(crate) last: u32,
    /// Its bytes.
    pub(crate) payload: Bytes,
}

/// What came of a tick.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Answered {
    /// The frame that tells it; `None`: nothing happened.
    pub(crate) frame: Option<Frame>,
}
