//! Deciding recorded commands again.
//!
//! The log holds both what was asked and what came of it. Asked again by the same rules, the world must answer with the
//! very same frames ([`Again`], for `verify --decide`); asked by others, it shows what would have been otherwise
//! ([`Alternative`], for `whatif`). An alternative may be decided by another build: what is said to it, and how it
//! answers, is in [`protocol`]; [`serve`] is the other end, `replay decide`.

mod again;
mod alternative;
pub(crate) mod protocol;
mod serve;

pub(crate) use again::{Again, Recorded};
pub use again::{Decided, LeftOut};
pub(crate) use alternative::{Alternative, apart};
pub(crate) use serve::{ServeError, myself, serve};
