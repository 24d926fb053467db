//! Filling a stream that is derived from others: one message after the other, many on their way, each stored once.
//!
//! Every message is sent on the condition that the one before it is the stream's last, and carries a *note*: how far
//! the writer had come in what it derives from. So the stream is its own checkpoint. Whoever goes on, after a crash, a lost
//! answer or a lost tail, reads the last message, and knows both where it stands in the stream and from where to derive.
//! Of two writers one is refused. Because the condition names a number, the next message need not wait for the answer to
//! the one before: should one be refused, all after it are too.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use schemas::{Incarnation, Sequence};

use crate::EventLog;
use crate::ask::ask;
use crate::backend::{
    Backend, EXPECTED_LAST_OF_STREAM, Lane, MESSAGE_ID, Outgoing, PublishFault, Stored, header,
};
use crate::conditioned::Attempts;
use crate::metric_names::STORED_MESSAGES_TOTAL;
use crate::send::MessageId;
use crate::{FeedError, ReadError};

/// The header of the note.
const NOTE: &str = "Worldline-Note";
/// So many messages may be on their way.
const ON_THEIR_WAY: usize = 256;

/// A message for a derived stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedMessage {
    /// Where it goes; of the feed's stream.
    pub subject: String,
    /// What it says.
    pub payload: Bytes,
    /// Under which id the broker, and whoever reads, recognises it.
    pub id: MessageId,
    /// How far the writer has come with this message.
    pub note: String,
}

/// The pen of a derived stream.
pub struct Feed {
    backend: Arc<dyn Backend>,
    stream: String,
    incarnation: Incarnation,
    last: Sequence,
    note: Option<String>,
}

impl EventLog {
    /// Opens the pen of `stream`, standing after its last message as the leader tells it.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn feed(&self, stream: &str) -> Result<Feed, ReadError> {
        loop {
            // The number first and the message after it: when somebody writes in between, the two do not fit.
            let info = self.stream_info(stream).await?;
            let question = || self.backend.last(Lane::Hot, stream, ">");
            let last = ask("the last message", stream, question).await?;
            let note = match last {
                Some(raw) if raw.sequence > info.last => continue,
                Some(raw) if raw.sequence == info.last => {
                    let note = header(&raw.headers, NOTE);
                    Some(note.unwrap_or_default().to_owned())
                }
                // None, or an older one: what came after it has been removed.
                _ => None,
            };
            return Ok(Feed {
                backend: Arc::clone(&self.backend),
                stream: stream.to_owned(),
                incarnation: info.incarnation,
                last: info.last,
                note,
            });
        }
    }
}

impl Feed {
    /// The stream's present life.
    #[must_use]
    pub const fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// The last sequence the stream has given; 0 before its first message.
    #[must_use]
    pub const fn last(&self) -> Sequence {
        self.last
    }

    /// The note of the last message found at the opening, or published since: empty if it has none, `None` when there is
    /// no such message.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Stores `messages` in this order, all of them or as many as the error leaves open.
    ///
    /// # Errors
    /// See [`FeedError`]. After an error this pen is of no use: open another, which tells what was stored.
    pub async fn publish(&mut self, messages: &[FeedMessage]) -> Result<(), FeedError> {
        let mut waiting = FuturesOrdered::new();
        let mut unsent = messages.iter().zip(self.last.0..);
        loop {
            while waiting.len() < ON_THEIR_WAY
                && let Some((message, before)) = unsent.next()
            {
                waiting.push_back(store(&self.backend, message, before));
            }
            let Some(answered) = waiting.next().await else {
                return Ok(());
            };
            let (message, before, stored) = answered;
            let stored = stored.map_err(|fault| self.wrong(message, fault))?;
            if stored.sequence.0 != before + 1 {
                // It was known by its id, somewhere else: not by this pen.
                return Err(FeedError::Overtaken {
                    stream: self.stream.clone(),
                    expected: Sequence(before),
                });
            }
            self.last = stored.sequence;
            self.note = Some(message.note.clone());
            metrics::counter!(STORED_MESSAGES_TOTAL, "stream" => self.stream.clone()).increment(1);
        }
    }

    fn wrong(&self, message: &FeedMessage, fault: PublishFault) -> FeedError {
        let subject = message.subject.clone();
        match fault {
            PublishFault::WrongLast(_) | PublishFault::InFlight => FeedError::Overtaken {
                stream: self.stream.clone(),
                expected: self.last,
            },
            PublishFault::TooLarge => FeedError::TooLarge {
                subject,
                size: message.payload.len(),
            },
            PublishFault::Denied => FeedError::Denied { subject },
            PublishFault::Full(reason) | PublishFault::Refused(reason) => {
                FeedError::Refused { subject, reason }
            }
            PublishFault::NotNow(reason) | PublishFault::Silent(reason) => FeedError::Unavailable {
                stream: self.stream.clone(),
                reason,
            },
        }
    }
}

/// Sends one message, once.
async fn store<'a>(
    backend: &Arc<dyn Backend>,
    message: &'a FeedMessage,
    before: u64,
) -> (&'a FeedMessage, u64, Result<Stored, PublishFault>) {
    let outgoing = Outgoing::new(&message.subject, message.payload.clone(), None)
        .with(MESSAGE_ID, message.id.as_str())
        .with(EXPECTED_LAST_OF_STREAM, before)
        .with(NOTE, &message.note);
    // Others may be in front of it, so it is given the longest time that an attempt is given.
    let mut attempts = Attempts::new();
    let wait = std::iter::repeat_with(|| attempts.next()).take(3).last();
    let stored = backend.publish(&outgoing, wait.unwrap_or_default()).await;
    (message, before, stored)
}
