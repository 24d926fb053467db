//! The fault suite: a stack that is played on while a schedule drawn from a seed harms it, and what must be true then.
//!
//! A [`Schedule`] is a list of (time, fault, target, duration), drawn from a seed, printed, and repeatable. A [`Fault`]
//! is a small type with a name; [`catalogue::ALL`] lists them. A run ([`run::run`]) lays out the [`Ground`]: a stack in
//! which every role has a wire of its own to the broker, [`Actor`]s who play and note all they are told, and a crowd of
//! bots. Afterwards the [`check`]ers read the whole log and compare. A run that fails is made smaller ([`shrink`]) until
//! no fault can be left out, and says how to repeat it. That the suite can fail is shown by [`defects`]: bugs that the
//! binary under test has when it is told to.

pub mod actor;
pub mod catalogue;
pub mod check;
pub mod cli;
pub mod defects;
pub mod ground;
pub mod kinds;
pub mod measure;
pub mod random;
pub mod run;
pub mod schedule;
pub mod shrink;

pub use actor::{Actor, Told};
pub use catalogue::Fault;
pub use ground::Ground;
pub use run::{Settings, Verdict};
pub use schedule::{Injection, Schedule};
