//! The life of an area on real workers, over the twin in memory and over a real broker alike.
//!
//! Workers are whole: their placements, tick threads and readers are the ones that run in
//! production. A test plays the director (it opens and places areas), the lobby and the edge (it
//! sends what they would send), and a reader that folds every frame: a chain that does not fold, or
//! a hash that does not fit, fails every test.

mod stage;

mod alarms;
#[cfg(feature = "fault-injection")]
mod crashes;
mod draining;
mod effects;
#[cfg(feature = "fault-injection")]
mod faults;
mod handover;
mod owning;
mod sleeping;
mod standing_by;
mod trouble;
mod truth;
