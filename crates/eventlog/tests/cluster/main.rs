//! The log on three brokers: nothing that was acknowledged goes with the node that dies, nobody writes twice or out of
//! turn, and whoever was connected to it goes on elsewhere.
//!
//! The contract's tests run on one broker and on the twin; here is only what takes a node to lose.

mod creating;
mod following;
mod owning;
mod stage;
