//! Reading in order, from a sequence or a time: the reader's side.

use std::sync::Arc;

use schemas::{Sequence, UnixMillis};

use crate::EventLog;
use crate::backend::{ReadSpec, Start};
use crate::error::ReadError;
use crate::outlet::{Flow, Inlet, pair};
use crate::reading::Reading;
use crate::record::Record;

/// What a reader does at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// Waits for more.
    Tail,
    /// Ends with `None` after the last message there was when reading began.
    UntilHead,
}

/// Reads a stream in order, from a sequence or a time. At most 1,024 messages or 8 MiB wait in it
/// (and one batch of 200 at the connection).
///
/// Its task ends when it is dropped.
pub struct Reader {
    inlet: Inlet,
    position: Sequence,
    at_head: bool,
}

impl EventLog {
    /// Reads in order what stands after `after` on any of `filters` (wildcards allowed; empty:
    /// the whole stream). Must be called within a Tokio runtime; reading begins at once.
    #[must_use]
    pub fn read(
        &self,
        stream: &str,
        filters: Vec<String>,
        after: Sequence,
        follow: Follow,
    ) -> Reader {
        self.read_spec(
            ReadSpec {
                stream: stream.to_owned(),
                filters,
                start: Start::After(after),
            },
            follow,
        )
    }

    /// As [`EventLog::read`], beginning with the first message stored at or after `from`.
    #[must_use]
    pub fn read_from_time(
        &self,
        stream: &str,
        filters: Vec<String>,
        from: UnixMillis,
        follow: Follow,
    ) -> Reader {
        self.read_spec(
            ReadSpec {
                stream: stream.to_owned(),
                filters,
                start: Start::Time(from),
            },
            follow,
        )
    }

    pub(crate) fn read_spec(&self, spec: ReadSpec, follow: Follow) -> Reader {
        let position = match spec.start {
            Start::After(sequence) => sequence,
            Start::Time(_) | Start::LastPerSubject => Sequence(0),
        };
        let (outlet, inlet) = pair();
        let reading = Reading::new(Arc::clone(&self.backend), spec, follow, outlet);
        ambient::spawn(reading.run());
        Reader {
            inlet,
            position,
            at_head: false,
        }
    }
}

impl Reader {
    /// The next message; `None` at the head, with [`Follow::UntilHead`] only. Cancel safe.
    ///
    /// # Errors
    /// When the broker has not answered for 20 s, or refuses. The reader may be asked again and goes on
    /// where it stood.
    pub async fn next(&mut self) -> Result<Option<Record>, ReadError> {
        Ok(self.next_raw().await?.map(Record::from))
    }

    pub(crate) async fn next_raw(&mut self) -> Result<Option<crate::backend::Raw>, ReadError> {
        if self.at_head {
            return Ok(None);
        }
        match self.inlet.next().await {
            Flow::Message(raw) => {
                self.position = raw.sequence;
                Ok(Some(raw))
            }
            Flow::Head => {
                self.at_head = true;
                Ok(None)
            }
            Flow::Failed(error) => Err(error),
        }
    }

    /// A message if one is there already; never waits. For loops with a beat of their own: a
    /// broker that does not answer shows as silence, and in the log.
    pub fn try_next(&mut self) -> Option<Record> {
        loop {
            match self.inlet.try_next()? {
                Flow::Message(raw) => {
                    self.position = raw.sequence;
                    return Some(raw.into());
                }
                Flow::Head => self.at_head = true,
                Flow::Failed(error) => {
                    tracing::warn!(%error, "a reader waits for the broker");
                }
            }
        }
    }

    /// At least one message, at most `max`: waits for the first, takes what is there. Empty at the
    /// head, with [`Follow::UntilHead`] only. Cancel safe.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub async fn next_batch(&mut self, max: usize) -> Result<Vec<Record>, ReadError> {
        let Some(first) = self.next().await? else {
            return Ok(Vec::new());
        };
        let mut batch = vec![first];
        while batch.len() < max {
            match self.try_next() {
                Some(record) => batch.push(record),
                None => break,
            }
        }
        Ok(batch)
    }

    /// The sequence of the last message handed out; at first, where reading began.
    #[must_use]
    pub fn position(&self) -> Sequence {
        self.position
    }
}
