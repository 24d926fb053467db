//! The faults, by what they break.

mod clock;
mod cluster;
mod disk;
mod fleet;
mod link;
mod process;
mod servers;
mod trap;

pub use clock::ClockJump;
pub use cluster::Leader;
pub use disk::{CommandsFull, DiskFull};
pub use fleet::{Drain, RollingRestart, Terminate};
pub use link::Link;
pub use process::{Kill, Pause};
pub use servers::{
    BrokerKill, BrokerPause, BrokerRestart, PostgresKill, PostgresPause, PostgresStop, SlowAcks,
};
pub use trap::Trap;
