//! Reading in order, over the border between archive and broker.

use eventlog::{Reader, Record};
use schemas::Sequence;

use crate::PastError;

/// Reads a stream in order; see [`Past::read`](crate::Past::read).
pub struct PastReader {
    live: Reader,
}

impl PastReader {
    pub(crate) const fn of_log(live: Reader) -> Self {
        Self { live }
    }

    /// The next message; `None` at the head, with [`Follow::UntilHead`](eventlog::Follow::UntilHead) only. Cancel safe.
    ///
    /// # Errors
    /// See [`PastError`]. The reader may be asked again and goes on where it stood.
    pub async fn next(&mut self) -> Result<Option<Record>, PastError> {
        Ok(self.live.next().await?)
    }

    /// A message if one is there already; never waits.
    pub fn try_next(&mut self) -> Option<Record> {
        self.live.try_next()
    }

    /// At least one message, at most `max`: waits for the first, takes what is there. Empty at the head, with
    /// [`Follow::UntilHead`](eventlog::Follow::UntilHead) only. Cancel safe.
    ///
    /// # Errors
    /// As [`PastReader::next`].
    pub async fn next_batch(&mut self, max: usize) -> Result<Vec<Record>, PastError> {
        Ok(self.live.next_batch(max).await?)
    }

    /// The sequence of the last message handed out; at first, where reading began.
    #[must_use]
    pub fn position(&self) -> Sequence {
        self.live.position()
    }
}
