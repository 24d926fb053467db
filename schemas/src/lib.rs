//! Every message that leaves a process, and every subject it travels on.
//!
//! Two encodings meet here. What is **stored** in the log is written as *named* MessagePack
//! maps carrying a type and a version (`"spoken.1"`), so that a log can be read without this
//! crate and a newer writer may add fields; older versions become the latest while they are
//! decoded ([`upcast`]). What goes over the **websocket** is written as
//! positional arrays that open with an integer op; readers accept longer arrays than they know.
//!
//! Nothing in this crate does I/O, and nothing in it knows the rules of the game.

pub mod account;
pub mod codec;
pub mod command;
pub mod control;
pub mod credential;
pub mod effect;
pub mod erasure;
pub mod fact;
pub mod frame;
pub mod ids;
pub mod keyed;
pub mod lobby;
pub mod locate;
pub mod motion;
pub mod name;
pub mod online;
pub mod outcome;
pub mod person;
pub mod public_keys;
pub mod received;
pub mod resources;
pub mod sealed;
pub mod sealed_to;
pub mod segment;
pub mod subjects;
pub mod upcast;
pub mod wire;
#[cfg(feature = "fault-injection")]
mod wrong_clock;

pub use codec::{DecodeError, decode, encode};
pub use ids::{
    AccountId, AreaId, CharacterId, Claim, ClientSeq, Digest, EdgeId, Epoch, FrameNo, Handle,
    Incarnation, LoginId, Sequence, SessionFence, Step, Tick, UnixMillis, WorkerId,
};
