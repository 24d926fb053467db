//! Websockets: one task per connection, which reads, writes and keeps the deadlines.

mod closing;
mod connection;
mod connections;
mod handshake;
mod inbound;
mod limits;
mod mailbox;
mod observing;
mod outbound;
mod reasons;
mod session;
mod socket;
mod transit;
mod upgrade;

pub(crate) use connections::Connections;
pub(crate) use limits::{Bucket, Rate};
#[cfg(test)]
pub(crate) use mailbox::Taken;
pub(crate) use mailbox::{Item, Mailbox, Signal};
pub(crate) use upgrade::upgrade;
