//! Reading a stream, over damage if it may be.

use eventlog::{Follow, Record};
use past::{Past, PastError, PastReader};
use schemas::{Sequence, UnixMillis};

use crate::ReplayError;
use crate::skipped::{Skipped, Skips};

/// Where reading begins.
#[derive(Debug, Clone, Copy)]
pub(crate) enum From {
    /// After that message.
    After(Sequence),
    /// With the first message stored at or after then.
    Time(UnixMillis),
}

/// A reader that goes on after what is damaged.
pub(crate) struct Reading {
    past: Past,
    stream: &'static str,
    filters: Vec<String>,
    follow: Follow,
    reader: PastReader,
}

impl Reading {
    /// `filters` as in [`Past::read`].
    pub(crate) fn open(
        past: &Past,
        stream: &'static str,
        filters: Vec<String>,
        from: From,
        follow: Follow,
    ) -> Self {
        let reader = match from {
            From::After(after) => past.read(stream, filters.clone(), after, follow),
            From::Time(time) => past.read_from_time(stream, filters.clone(), time, follow),
        };
        Self {
            past: past.clone(),
            stream,
            filters,
            follow,
            reader,
        }
    }

    /// The next message; `None` at the head. Cancel safe.
    pub(crate) async fn next(&mut self, skips: &mut Skips) -> Result<Option<Record>, ReplayError> {
        loop {
            match self.reader.next().await {
                Ok(record) => return Ok(record),
                Err(error) => self.go_over(error, skips)?,
            }
        }
    }

    /// As [`Reading::next`]; what to do with an error is [`Reading::go_over`]'s. Cancel safe.
    pub(crate) async fn read(&mut self) -> Result<Option<Record>, PastError> {
        self.reader.next().await
    }

    /// At least one message, at most `max`; empty at the head.
    pub(crate) async fn next_batch(
        &mut self,
        max: usize,
        skips: &mut Skips,
    ) -> Result<Vec<Record>, ReplayError> {
        loop {
            match self.reader.next_batch(max).await {
                Ok(batch) => return Ok(batch),
                Err(error) => self.go_over(error, skips)?,
            }
        }
    }

    /// A message if one is there already.
    pub(crate) fn try_next(&mut self) -> Option<Record> {
        self.reader.try_next()
    }

    /// As [`PastReader::position`].
    pub(crate) const fn position(&self) -> Sequence {
        self.reader.position()
    }

    /// Notes what is damaged and goes on after it, or ends with it.
    pub(crate) fn go_over(
        &mut self,
        error: PastError,
        skips: &mut Skips,
    ) -> Result<(), ReplayError> {
        let to = match error.skip_to() {
            Some(to) if skips.may() => to,
            _ => return Err(error.into()),
        };
        skips.skip(Skipped {
            stream: self.stream.to_owned(),
            from: self.reader.position().next(),
            to,
            place: None,
            why: error.to_string(),
        })?;
        let filters = self.filters.clone();
        self.reader = self.past.read(self.stream, filters, to, self.follow);
        Ok(())
    }
}
