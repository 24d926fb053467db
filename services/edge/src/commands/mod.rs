//! Commands on their way to the log.

mod group;
mod lane;

pub(crate) use lane::Lane;
