//! A command on which the rules' own code broke: refused, reported loudly, and nothing else.

use schemas::keyed::{KeyedMessage, Refusal};

use super::aggregate::Aggregate;
use super::step::{Answering, Outcome, Step};
use crate::Record;

/// What is said about a bug.
pub(super) const BROKEN: &str = "the rules broke on this; the operators know";

/// Tells the operators.
pub(super) fn note(record: &Record) {
    tracing::error!(
        command.subject = record.subject,
        command.seq = record.sequence.0,
        "a command broke the rules' own code and was refused as a fault"
    );
}

/// Refused, without a trace in the aggregate. An effect stays unconfirmed, hence with its source.
pub(super) fn fault<A: Aggregate>(message: &KeyedMessage<A::Command>, why: &str) -> Step<A> {
    match message {
        KeyedMessage::Command { request, reply, .. } => faulted(*request, reply.clone(), why),
        KeyedMessage::Effect(_) | KeyedMessage::Confirmation(_) => faulted(0, None, why),
    }
}

/// The same, for a command of which only this is left.
pub(super) fn faulted<A: Aggregate>(request: u64, reply: Option<String>, why: &str) -> Step<A> {
    Step {
        entry: None,
        effects: Vec::new(),
        confirm: None,
        reply: reply.map(|to| Answering {
            to,
            request,
            result: Err(Refusal::new("fault", why)),
        }),
        outcome: Outcome::Refused,
    }
}
