//! An account's characters: who has which, arranged among three services.
//!
//! The account (identity) holds the list, the lobby holds each character, and each name is an
//! aggregate of its own. What concerns more than one of them is done step by step, each step
//! idempotent, in an order in which a crash after any of them leaves nothing wrong: at worst a
//! reservation that lapses, or an id in the list behind which there is nobody, which the next
//! reader passes over and the next creation at the limit tidies away.

mod beginning;
mod company;
mod ending;
mod listing;
mod ranking;
mod services;

pub(crate) use beginning::{begin, create, mend, reserve};
pub(crate) use company::company;
pub(crate) use ending::{delete, restore};
pub(crate) use listing::{Listed, list, one};
pub(crate) use ranking::Ranked;
