//! One stream with its next message at hand.

use eventlog::{Follow, Record};
use past::Past;
use schemas::{Sequence, UnixMillis};

use super::mail::Needs;
use crate::ReplayError;
use crate::reading::{From, Reading};
use crate::skipped::Skips;

/// A message that knows what must have been folded before it.
pub(super) trait Waiting {
    fn needs(&self) -> &Needs;
}

/// Reads to the head, and on from there when asked again.
pub(super) struct Cursor<T> {
    past: Past,
    stream: &'static str,
    reader: Reading,
    read_to: Sequence,
    ended: bool,
    /// Where it was opened again without anything having come.
    reopened_at: Option<Sequence>,
    next: Option<T>,
    /// Where that one stands.
    next_at: Sequence,
    /// When the last message was stored that was read.
    stored_at: Option<UnixMillis>,
    /// The last message that was taken.
    taken_to: Sequence,
}

impl<T: Waiting> Cursor<T> {
    /// Reads what stands after `after`.
    pub(super) fn open(past: &Past, stream: &'static str, after: Sequence) -> Self {
        Self {
            past: past.clone(),
            stream,
            reader: reading(past, stream, after),
            read_to: after,
            ended: false,
            reopened_at: None,
            next: None,
            next_at: after,
            stored_at: None,
            taken_to: after,
        }
    }

    /// Has the next message at hand, if there is one.
    pub(super) async fn fill(
        &mut self,
        skips: &mut Skips,
        read: impl FnOnce(Record) -> T,
    ) -> Result<(), ReplayError> {
        if self.next.is_none() && !self.ended {
            match self.reader.next(skips).await? {
                Some(record) => {
                    self.read_to = record.sequence;
                    self.next_at = record.sequence;
                    self.stored_at = Some(record.stored_at);
                    self.next = Some(read(record));
                }
                None => self.ended = true,
            }
        }
        Ok(())
    }

    pub(super) fn needs(&self) -> Option<&Needs> {
        self.next.as_ref().map(Waiting::needs)
    }

    /// When the next message was stored; at the end, the last one that was read.
    pub(super) const fn stored_at(&self) -> Option<UnixMillis> {
        self.stored_at
    }

    pub(super) fn take(&mut self) -> Option<T> {
        self.taken_to = self.next_at;
        self.next.take()
    }

    /// The last message that was taken: what was read ahead is not counted.
    pub(super) const fn taken_to(&self) -> Sequence {
        self.taken_to
    }

    /// Looks beyond the head at which it has ended; false when that was in vain already.
    pub(super) fn reopen(&mut self) -> bool {
        if self.reopened_at == Some(self.read_to) {
            return false;
        }
        self.reopened_at = Some(self.read_to);
        self.ended = false;
        self.reader = reading(&self.past, self.stream, self.read_to);
        true
    }
}

fn reading(past: &Past, stream: &'static str, after: Sequence) -> Reading {
    let from = From::After(after);
    Reading::open(past, stream, Vec::new(), from, Follow::UntilHead)
}
