//! A whole edge with real sockets, over the twin of the broker in memory.
//!
//! Identity and lobby are doubles that answer what a test wants; areas are decided by the real
//! rules. What needs the real services is in the workspace's `tests/`.
#![allow(
    missing_docs,
    unreachable_pub,
    reason = "a test has no readers outside"
)]

mod accounts;
mod area;
mod attempts;
mod bad_input;
mod client;
mod drain;
mod fuzz;
mod http;
mod identity;
mod identity_keys;
mod instances;
mod lobby;
mod logged_in;
mod observers;
mod openapi;
mod past;
mod play;
mod protocol_doc;
mod refusals_doc;
mod refused;
mod replica;
mod resources;
mod resume;
mod screen;
mod secrets;
mod slow;
mod stage;
mod web;
