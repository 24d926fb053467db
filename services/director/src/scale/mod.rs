//! Fitting the fleet to its load: workers come when areas need them and go when they do not.
//!
//! A **backend** is whoever starts and ends processes: nobody, this machine, Kubernetes. It knows
//! one number, how many workers there shall be; they are called `<name>-0`, `<name>-1` and so on,
//! and the highest goes first. The **policy** is pure: from what the director knows of the workers
//! and from that number it says what to do next, and why. The **scaler** brings the two together,
//! one step at a time, each in a task of its own, so that the director never waits.
//!
//! Nothing here decides who owns an area. A worker that shall go is drained first, by the same
//! command that an operator gives, and only who has nothing any more is taken away.

pub mod backend;
mod config;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
pub mod local;
pub mod policy;
mod scaler;

pub use backend::{Backend, BackendError, Size};
pub use config::{BackendKind, Config};
pub use scaler::Scaler;

use schemas::WorkerId;

use crate::plan::Standing;

/// What the director knows of the workers at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// All that are announced, the fleet's and others.
    pub workers: Vec<Worker>,
    /// Open areas that nobody can own as things are.
    pub homeless: usize,
}

/// One worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// Its name.
    pub name: WorkerId,
    /// Which life of that name.
    pub life: u64,
    /// What may be done with it.
    pub standing: Standing,
    /// How many areas it is willing to own.
    pub capacity: u32,
    /// How many it owns.
    pub areas: usize,
    /// What they take together, in 1/1000 of a core.
    pub load: u32,
    /// Bodies in them.
    pub population: u32,
}

#[cfg(test)]
mod tests;
