//! What the writer remembers of a source, saved for a quicker start.
//!
//! A frame speaks of bodies by their handles, so whoever begins in the middle of a stream has to know who they are. That
//! knowledge follows from the stream alone; it is saved in the bucket `facts`, one key a source, together with the message
//! after which it is true and with how far `FACTS` went then. An older one is good too: what lies between is read again
//! and not told again. One that is of another `FACTS`, or newer than it, is not: what it knows has not all been told there.

use eventlog::{Bucket, EventLog, Position, PositionError, ReadError, UpdateError};
use past::event::Events;
use schemas::{Digest, Incarnation, Sequence};
use serde::{Deserialize, Serialize};

use super::error::FactsError;

/// The bucket.
const BUCKET: &str = "facts";
/// Version of [`Saved`].
const VERSION: u16 = 1;
/// More is not saved: the broker takes 4 MB in one message.
const MOST: usize = 3 << 20;

/// What is remembered of a source.
pub(super) struct Memory {
    /// The message after which it is true.
    pub(super) position: Position,
    /// Who is who.
    pub(super) events: Events,
}

/// As it stands in the bucket.
#[derive(Serialize, Deserialize)]
struct Saved {
    v: u16,
    /// After which message of the source.
    position: Position,
    /// How far `FACTS` went, in which of its lives.
    facts: (Incarnation, Sequence),
    /// Of `events`, so that a damaged one is recognised.
    check: Digest,
    #[serde(with = "serde_bytes")]
    events: Vec<u8>,
}

/// Where memories are kept.
pub(super) struct Memories {
    bucket: Bucket,
    log: EventLog,
}

impl Memories {
    pub(super) async fn open(log: &EventLog) -> Result<Self, ReadError> {
        Ok(Self {
            bucket: log.bucket(BUCKET).await?,
            log: log.clone(),
        })
    }

    /// Saves what is known of `stream` after `position`, all of whose events are in `FACTS` now.
    pub(super) async fn save(
        &self,
        stream: &str,
        position: Position,
        facts: (Incarnation, Sequence),
        events: &Events,
    ) -> Result<(), UpdateError> {
        let events = events.save();
        if events.len() > MOST {
            tracing::warn!(
                stream,
                bytes = events.len(),
                "too much is known to be saved; the next start reads the log from its beginning"
            );
            return Ok(());
        }
        let saved = Saved {
            v: VERSION,
            position,
            facts,
            check: Digest::of(&events),
            events,
        };
        let saved = schemas::encode(&saved).into();
        self.bucket.put(stream, saved).await.map(drop)
    }

    /// The newest memory of `stream` that may be used with a `FACTS` that goes as far as `facts`.
    pub(super) async fn load(
        &self,
        stream: &'static str,
        facts: (Incarnation, Sequence),
    ) -> Result<Option<Memory>, FactsError> {
        let mut history = self.bucket.history(stream).await?;
        history.reverse();
        for entry in history {
            let Some(value) = entry.value else { continue };
            let Some((position, of, events)) = read(&value) else {
                tracing::warn!(stream, "what was remembered cannot be read; doing without");
                continue;
            };
            // Of another life of `FACTS`, or of an end that it has lost: not all of it has been told.
            if of.0 != facts.0 || of.1 > facts.1 {
                continue;
            }
            match self.log.check_position(stream, &position).await {
                Ok(_) => return Ok(Some(Memory { position, events })),
                Err(PositionError::Read(error)) => return Err(error.into()),
                Err(error) => {
                    tracing::warn!(stream, %error, "what was remembered is of another log; doing without");
                }
            }
        }
        Ok(None)
    }
}

fn read(bytes: &[u8]) -> Option<(Position, (Incarnation, Sequence), Events)> {
    let saved: Saved = schemas::decode(bytes).ok()?;
    if saved.v != VERSION || saved.check != Digest::of(&saved.events) {
        return None;
    }
    let events = Events::restore(&saved.events).ok()?;
    Some((saved.position, saved.facts, events))
}
