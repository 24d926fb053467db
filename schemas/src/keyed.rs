//! Keyed aggregates: what stands on `cmd.<domain>.<partition>.<key>` and `evt.<domain>.<key>`.
//!
//! Each event message carries the events *and* the state after them with the last command it
//! has handled, so that loading an aggregate is reading the last message of its subject.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::effect::{Confirmation, Effect, EffectMessage};
use crate::ids::{Incarnation, Sequence, UnixMillis};
use crate::subjects::AggregateId;

/// A message in a keyed domain's command stream; `C` is the domain's own commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type")]
pub enum KeyedMessage<C> {
    /// Somebody asks and waits for the answer.
    #[serde(rename = "command.1")]
    Command {
        /// The asker's number for it, unique per `reply` subject; comes back with the answer.
        request: u64,
        /// Core subject for the answer; nobody waits when absent.
        #[serde(default)]
        reply: Option<String>,
        /// What is asked.
        body: C,
    },
    /// From another aggregate.
    #[serde(rename = "effect.1")]
    Effect(EffectMessage),
    /// A receipt for this aggregate's own effects.
    #[serde(rename = "confirmation.1")]
    Confirmation(Confirmation),
}

/// Numbering and pending effects of one aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Outbox {
    /// The last number given to an effect, for each target.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sent: BTreeMap<AggregateId, u64>,
    /// The last number applied, for each source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub received: BTreeMap<AggregateId, u64>,
    /// Effects not yet confirmed, by target, then number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<Effect>,
}

/// A message on `evt.<domain>.<key>`; `E` is the domain's events, `S` its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct KeyedEntry<E, S> {
    /// Version of this envelope: 1.
    pub v: u16,
    /// When it was decided, by the service's clock, never going back within a key.
    pub at: UnixMillis,
    /// Which life of the command stream `handled` counts in.
    pub incarnation: Incarnation,
    /// The last command of this key that has been handled.
    pub handled: Sequence,
    /// What happened.
    pub events: Vec<E>,
    /// The state after it.
    pub state: S,
    /// Effects to and from others.
    #[serde(default)]
    pub outbox: Outbox,
    /// The answer given to command `handled`, so that a redelivery is answered alike; never a secret.
    #[serde(default)]
    pub answered: Option<Answered>,
}

/// How the last command was answered, without secrets (those are derived anew).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Answered {
    /// The asker's number for it.
    pub request: u64,
    /// The refusal's code, when it was refused.
    #[serde(default)]
    pub refused: Option<String>,
}

/// The answer to a command, sent over core NATS to the asker's `reply` subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Reply<R> {
    /// The asker's number.
    pub request: u64,
    /// What was asked for, or why not.
    pub result: Result<R, Refusal>,
}

/// A refused command of a keyed aggregate: a stable code and a sentence for people.
#[derive(
    Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, thiserror::Error,
)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// Stable, lower case, for programs: `not_yours`, `ticket_used`.
    pub code: String,
    /// What happened and what to do.
    pub message: String,
    /// After how many seconds it may be worth trying again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Refusal {
    /// A refusal with `code` and `message`.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            retry_after: None,
        }
    }

    /// And may be worth trying again after so many seconds.
    #[must_use]
    pub const fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}
