//! The real broker, over three connections.
//!
//! `async-nats` carries the connections; the `JetStream` requests are made here, because what
//! counts is in their details: each is tried once, with a timeout of its own, and an answer's
//! error code reaches the caller as it is.

mod answer;
mod connection;
mod pull;
mod requests;

pub(crate) use connection::NatsBackend;
pub(crate) use pull::rfc3339;
pub(crate) use requests::NoAnswer;
