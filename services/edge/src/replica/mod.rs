//! Replicas: for each area in which this edge has clients, its state folded from the log.
//!
//! A replica is a reader of the log like any other: it opens by snapshot and tail, follows what
//! the broker republishes, and checks the hash of every frame. One task per area folds and then
//! tells all its clients, so a worker's cost does not grow with the number of those who watch.

mod admit;
mod ahead;
mod attention;
mod clock;
mod departed;
mod flush;
mod fold;
mod observer;
mod past;
mod picture;
mod playhead;
mod registry;
mod restore;
mod showing;
mod speech;
mod task;
mod viewer;

pub(crate) use departed::{Departed, Passage};
pub(crate) use observer::{Eye, Follow, Observer};
pub(crate) use playhead::Play;
pub(crate) use registry::{Ask, Replica, Replicas};
pub(crate) use viewer::{Attach, ConnectionId};
