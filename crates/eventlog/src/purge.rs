//! Purging what is archived.
//!
//! Removing the newest message of a subject would move its fence back: a former owner's condition
//! would hold again. So a purge names one exact subject and a sequence that is at most the last
//! one the leader holds, and removes strictly below it; never "keep n", never a wildcard. In
//! slices, because a large purge holds up every write to the stream.

use std::time::Duration;

use schemas::Sequence;
use tokio::time::sleep;

use crate::EventLog;
use crate::ask::ask;
use crate::backend::Lane;
use crate::error::{PurgeError, ReadError};
use crate::subject::is_exact;

/// Writes have the stream to themselves for this long in between.
const PAUSE: Duration = Duration::from_millis(50);

/// What a purge has removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// How many messages.
    pub messages: u64,
    /// In how many slices.
    pub slices: u64,
}

impl EventLog {
    /// At most so many messages are purged at once: 8,000 were measured to hold up a publish for 37 ms.
    pub const PURGE_SLICE: u64 = 2000;

    /// Removes what is archived of one exact subject, through `archived_end`, but never its
    /// newest message, which is the fence. In slices, with pauses.
    ///
    /// # Errors
    /// See [`PurgeError`]; what has been removed until then stays removed.
    pub async fn purge(
        &self,
        stream: &str,
        subject: &str,
        archived_end: Sequence,
    ) -> Result<Purged, PurgeError> {
        if !is_exact(subject) {
            return Err(PurgeError::NotExact {
                subject: subject.to_owned(),
            });
        }
        let question = || self.backend.last(Lane::Hot, stream, subject);
        let Some(last) = ask("the last message", stream, question).await? else {
            return Ok(Purged::default());
        };
        let below = archived_end.next().min(last.sequence);
        let mut purged = Purged::default();
        while let Some(first) = self.first(stream, subject).await?
            && first < below
        {
            let upto = Sequence(first.0 + Self::PURGE_SLICE).min(below);
            let question = || self.backend.purge(stream, subject, upto);
            purged.messages += ask("purging", stream, question).await?;
            purged.slices += 1;
            sleep(PAUSE).await;
        }
        Ok(purged)
    }

    /// As [`EventLog::purge`], in one slice, for whoever knows how many messages that removes: at most
    /// [`EventLog::PURGE_SLICE`], and with a pause after it. How many were removed.
    ///
    /// # Errors
    /// See [`PurgeError`]; perhaps something has been removed.
    pub async fn purge_slice(
        &self,
        stream: &str,
        subject: &str,
        archived_end: Sequence,
    ) -> Result<u64, PurgeError> {
        if !is_exact(subject) {
            return Err(PurgeError::NotExact {
                subject: subject.to_owned(),
            });
        }
        let question = || self.backend.last(Lane::Hot, stream, subject);
        let Some(last) = ask("the last message", stream, question).await? else {
            return Ok(0);
        };
        let below = archived_end.next().min(last.sequence);
        let question = || self.backend.purge(stream, subject, below);
        Ok(ask("purging", stream, question).await?)
    }

    /// The first message that a stream holds of a subject, which may hold wildcards.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub async fn first(&self, stream: &str, subject: &str) -> Result<Option<Sequence>, ReadError> {
        let question = || self.backend.get(stream, Sequence(1), Some(subject));
        let first = ask("the first message", stream, question).await?;
        Ok(first.map(|first| first.sequence))
    }
}
