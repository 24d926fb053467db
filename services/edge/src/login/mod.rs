//! Logging in, as the edge sees it: sealed questions to identity, sealed answers back.
//!
//! A secret that somebody typed is sealed to identity's current key before it becomes part of a
//! command; what identity answers is sealed to a key made for this one question. So the streams
//! and the wires hold nothing that lets anybody in.

mod account;
mod guests;
mod reply_key;

pub(crate) use guests::{come_back, register_guest};

use std::time::Duration;

/// What a login gives.
pub(crate) type Tokens = schemas::account::LoggedIn;

/// How long identity may take.
const PATIENCE: Duration = Duration::from_secs(10);
