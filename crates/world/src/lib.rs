//! The rules of the game, pure: `decide(state, commands, tick) -> events`, `evolve(state, event)`.
//!
//! No clock, no randomness of its own, no floats, no I/O: the same state and the same commands
//! give the same events on every machine. Everything that happens is first decided
//! ([`decide_tick`]) and then applied by the one code that the live loop, recovery, the edges
//! and replay share ([`AreaState::fold`]).
//!
//! Words: a *body* is a character inside an area, known by its *handle*; a *segment* is a
//! stretch of its motion; a *map* is what it stands on.
#![deny(
    clippy::float_arithmetic,
    clippy::iter_over_hash_type,
    clippy::disallowed_types,
    clippy::disallowed_methods
)]

pub mod body;
pub mod decide;
mod evolve;
pub mod map;
pub mod maps;
pub mod physics;
pub mod random;
pub mod rules;
pub mod state;

pub use body::Body;
pub use decide::{
    Broken, Command, Decision, FrameHeader, Incoming, TickInput, decide_despite_faults,
    decide_tick, incoming, resume, undecodable,
};
pub use map::{ClientMap, Door, Map, MapError};
pub use rules::{Rule, RuleError, Rules};
pub use state::{AreaState, FoldError, Owner, Steering};

/// The version of the rules that this build decides with ([`Rules::DEFAULT`] and the code around them); named by every
/// ownership frame. 2: who is not let in goes to another instance, or back to the lobby without a place. 3: who leaves
/// is told with whose it is and where it stood (`departed.2`).
pub const RULES_VERSION: u32 = 3;
/// The version of the canonical encoding under the state hashes.
pub const HASH_VERSION: u32 = 1;
