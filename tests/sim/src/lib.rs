//! The deterministic simulation: worker, director and lobby as they run in production, many processes in one
//! thread, over the log's twin in memory. Time is simulated and runs as fast as the work allows;
//! all chance comes from one seed, so a failing run is a number.
//!
//! A **schedule** is what is done to whom and when: processes killed, paused, cut off, drained, clocks
//! moved, the broker stalled or leaderless, over links that delay and lose what goes over them. It
//! is drawn from a seed ([`Schedule::draw`]), run ([`run`]) and judged by checkers that keep
//! their own books ([`check`]); a failing one is shrunk ([`shrink`]) to the fewest steps that
//! still fail.

mod check;
mod gate;
mod part;
mod player;
mod realm;
mod run;
mod schedule;
mod shrink;
mod whereabouts;

pub use check::Finding;
pub use run::{Outcome, run};
pub use schedule::{Action, Moment, Role, Schedule, Step};
pub use shrink::shrink;
