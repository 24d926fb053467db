//! Configuration from a file, the environment and flags, parsed whole before a port is bound.
//!
//! A *section* is a small struct with a name (`[broker]`, `WORLDLINE_BROKER_URL`, `--set broker.url=…`). Each
//! key is looked up in the layers flag, variable, file and default, in this order. Every value remembers its
//! *origin*, so that a wrong one ends in one sentence which names the key and the place to put it right.

mod args;
mod error;
mod layers;
mod secret;
mod section;
mod shared;
mod span;

pub use args::{ConfigArgs, Flags};
pub use error::{ConfigError, Origin};
pub use layers::{Known, Sources};
pub use secret::Secret;
pub use section::{Section, Wrong};
pub use shared::{
    BrokerConfig, ListenConfig, LogFormat, ProcessConfig, TelemetryConfig, socket_address,
};
pub use span::{Span, SpanError};
