//! Keys whose rows stand still because an event could not be applied.
//!
//! The event at fault is the *poison*. It is *retried* once something has changed: a build that can fold it, a
//! database that takes its rows. Or it is *given up*, with a reason, and stays out of the rows for good. Either way the
//! events that wait behind it are applied in their order, and a projector that runs need not be stopped: all that is
//! changed is changed in transactions that hold its checkpoint.

mod give_up;
mod look;
mod memory;
mod retry;
mod slice;

pub use give_up::{GiveUp, give_up};
pub use look::{ParkedEvent, ParkedKey, parked, show_parked};
pub(crate) use memory::Parked;
pub use retry::{Retried, retry};
