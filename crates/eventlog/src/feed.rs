//! Filling a stream that is derived from others: batch after batch, each stored whole or not at all.
//!
//! A batch is stored on the condition that the stream still ends where its writer knows it to end, and its last message
//! carries a *note*: how far the writer had come in what it derives from. So the stream is its own checkpoint. Whoever goes
//! on, after a crash or a lost answer, reads the last message, and knows both where the stream ends and from where to
//! derive. As nothing is ever taken from the end, a number says all about what is before it: of two writers that know the same
//! end one is refused, and so is a batch that arrives late.
//!
//! One batch is on its way at a time. With several, one that was sent after a refused one could find the stream, filled by
//! somebody else meanwhile, just where it expects it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use schemas::{Incarnation, Sequence};

use crate::EventLog;
use crate::ask::ask;
use crate::backend::{
    Backend, EXPECTED_LAST_OF_STREAM, Lane, MESSAGE_ID, MOST_AT_ONCE, Outgoing, PublishFault,
    header,
};
use crate::error::{FeedError, ReadError};
use crate::metric_names::STORED_MESSAGES_TOTAL;
use crate::send::MessageId;

/// The header of the note.
const NOTE: &str = "Worldline-Note";
/// How long the answer to a batch is waited for; a broker forgets an unfinished one after as long.
const PATIENCE: Duration = Duration::from_secs(10);

/// A message for a derived stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedMessage {
    /// Where it goes; of the feed's stream.
    pub subject: String,
    /// What it says.
    pub payload: Bytes,
    /// Under which id the broker, and whoever reads, recognises it.
    pub id: MessageId,
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
    /// The most messages of one batch.
    pub const MOST: usize = MOST_AT_ONCE;

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

    /// Stores `messages`, at most [`Feed::MOST`], in this order: all of them or none. `note` says how far the writer has
    /// come with them. Without messages nothing happens.
    ///
    /// # Errors
    /// See [`FeedError`]. After an error, or when this future was dropped, this pen is of no use: open another, which tells
    /// what was stored.
    pub async fn publish(&mut self, messages: &[FeedMessage], note: &str) -> Result<(), FeedError> {
        let last = messages.len().checked_sub(1);
        let outgoing = messages.iter().enumerate().map(|(at, message)| {
            let outgoing = Outgoing::new(&message.subject, message.payload.clone(), None)
                .with(MESSAGE_ID, message.id.as_str());
            let outgoing = match at {
                0 => outgoing.with(EXPECTED_LAST_OF_STREAM, self.last),
                _ => outgoing,
            };
            if Some(at) == last {
                outgoing.with(NOTE, note)
            } else {
                outgoing
            }
        });
        let outgoing: Vec<Outgoing> = outgoing.collect();
        if outgoing.is_empty() {
            return Ok(());
        }
        let stored = self.backend.publish_all(&outgoing, PATIENCE).await;
        let stored = stored.map_err(|fault| self.wrong(messages, fault))?;
        self.last = stored.sequence;
        self.note = Some(note.to_owned());
        metrics::counter!(STORED_MESSAGES_TOTAL, "stream" => self.stream.clone())
            .increment(outgoing.len() as u64);
        Ok(())
    }

    fn wrong(&self, messages: &[FeedMessage], fault: PublishFault) -> FeedError {
        let stream = self.stream.clone();
        match fault {
            PublishFault::WrongLast(_) | PublishFault::InFlight => FeedError::Overtaken {
                stream,
                expected: self.last,
            },
            PublishFault::TooLarge => {
                let sizes = messages.iter().map(|message| message.payload.len());
                FeedError::TooLarge {
                    stream,
                    size: sizes.max().unwrap_or(0),
                }
            }
            PublishFault::Denied => FeedError::Denied { stream },
            PublishFault::Full(reason) | PublishFault::Refused(reason) => {
                FeedError::Refused { stream, reason }
            }
            PublishFault::NotNow(reason) | PublishFault::Silent(reason) => {
                FeedError::Unavailable { stream, reason }
            }
        }
    }
}
