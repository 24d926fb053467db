//! Before a command is decided: its aggregate gathers what deciding needs and cannot have of itself.
//!
//! That may take long (the partition goes on saying that it is at it) and is lost in a crash, so
//! that it happens again when the message comes again. A message that has been handled already is
//! only answered, and needs none of it.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use schemas::keyed::KeyedMessage;

use super::aggregate::{Aggregate, Context};
use super::fault;
use super::loaded::{Known, Loaded};
use super::step::Step;
use crate::Record;

/// The message with what deciding it needs; the refusal, if gathering that broke.
pub(super) async fn prepared<A: Aggregate>(
    aggregate: &A,
    key: &str,
    loaded: &Loaded<A>,
    message: KeyedMessage<A::Command>,
    record: &Record,
) -> Result<KeyedMessage<A::Command>, Box<Step<A>>> {
    let last = loaded.entry();
    let handled = last.is_some_and(|entry| entry.handled >= record.sequence);
    if handled || matches!(loaded.state, Known::Unreadable) {
        return Ok(message);
    }
    let KeyedMessage::Command {
        request,
        reply,
        body,
    } = message
    else {
        return Ok(message);
    };
    let state = last.map_or_else(A::State::default, |entry| entry.state.clone());
    let ctx = Context {
        sequence: record.sequence,
        stored_at: record.stored_at,
        pending: last.map_or(0, |entry| entry.outbox.pending.len()),
    };
    let preparing = aggregate.prepare(key, &state, body, &ctx);
    match AssertUnwindSafe(preparing).catch_unwind().await {
        Ok(body) => Ok(KeyedMessage::Command {
            request,
            reply,
            body,
        }),
        Err(_) => {
            fault::note(record);
            Err(Box::new(fault::faulted(request, reply, fault::BROKEN)))
        }
    }
}
