//! The version gate before login, and the files that a client lacks.

mod file;
mod gate;
mod range;

pub(super) use file::file;
pub(super) use gate::{Answer, gate};
