//! Characters from HTTP to the log and back: real edges, identity and lobby over a real broker, each
//! with no more rights than its role has.
#![allow(
    missing_docs,
    unreachable_pub,
    reason = "a test has no readers outside"
)]

mod endpoints;
mod lives;
mod names;
mod stage;
