//! Going on with a session after its socket was lost, on this edge or another.

mod recover;
mod token;

pub(crate) use recover::{Missed, RecoverError, recover};
pub(crate) use token::{ResumeKey, ResumePoint};
