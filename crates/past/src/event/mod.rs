//! Events on their own: what happened, taken out of the messages in which it was recorded.
//!
//! The log holds *messages*: a frame is all that happened in an area in one tick, an entry all that one command did to
//! an aggregate. Whoever analyses wants *events*: a row of an export, a message of the stream `FACTS`, a line of an
//! explanation. [`Events`] turns the one into the other, in the order of the stream.
//!
//! (stream, log position, event index) is an event's **identity** everywhere and for ever: the index counts what its
//! message holds in a fixed order (a frame's facts, motion, accepted and rejected commands, effects applied, effects
//! sent; an entry's events), so that a kind of event that is added later comes behind the others.
//!
//! Texts of people stay sealed here. How ids of people are written is up to [`People`].

mod area;
mod data;
mod error;
mod events;
mod json;
mod keyed;
mod kinds;
mod metadata;
mod people;
mod row;

use std::sync::Arc;

use schemas::{AccountId, AreaId, CharacterId, Sequence, Tick, UnixMillis};

pub use data::{Accepted, Data, Moved, Refused};
pub use error::EventError;
pub use events::Events;
pub use metadata::{Cause, Key, Metadata};
pub use people::{AsRecorded, People, PersonalId};
pub use row::{Column, ColumnType, Identity, RowTexts};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The stream that holds its message.
    pub stream: Arc<str>,
    /// Its message's place there.
    pub log_position: Sequence,
    /// Its place within that message, from 0.
    pub event_index: u32,
    /// What kind of event: `spoken`, `moved`.
    pub event_type: &'static str,
    /// The version of the shape that `data` has; 0 for what a newer build wrote.
    pub schema_version: u16,
    /// When it was decided, by the clock of who decided it.
    pub created_at: UnixMillis,
    /// The area in which, or to which, it happened.
    pub area: Option<Arc<AreaId>>,
    /// The area's tick.
    pub tick: Option<Tick>,
    /// The character that it is about.
    pub player: Option<CharacterId>,
    /// The account that it is about.
    pub account: Option<AccountId>,
    /// What happened.
    pub data: Data,
    /// Where it comes from; one for all events of a message.
    pub metadata: Arc<Metadata>,
}
