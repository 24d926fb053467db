//! Ordered reading.

use crate::error::ReadError;
use crate::record::Record;

/// What a reader does at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// Waits for more.
    Tail,
    /// Ends with `None` after the last message there was when reading began.
    UntilHead,
}

/// Reads a stream in order, from a sequence or a time.
pub struct Reader {}

impl Reader {
    /// The next message; `None` at the head, with [`Follow::UntilHead`] only. Cancel safe.
    ///
    /// # Errors
    /// When the broker has not answered for 30 s, or refuses. The reader may be asked again and goes on
    /// where it stood.
    pub async fn next(&mut self) -> Result<Option<Record>, ReadError> {
        todo!()
    }

    /// A message if one is there already; never waits. For loops with a beat of their own.
    pub fn try_next(&mut self) -> Option<Record> {
        todo!()
    }

    /// At least one message, at most `max`: waits for the first, takes what is there. Empty at the
    /// head, with [`Follow::UntilHead`] only. Cancel safe.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub async fn next_batch(&mut self, max: usize) -> Result<Vec<Record>, ReadError> {
        todo!("{max}")
    }

    /// The sequence of the last message handed out.
    #[must_use]
    pub fn position(&self) -> schemas::Sequence {
        todo!()
    }
}
