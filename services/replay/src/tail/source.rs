//! Several streams as one: in the order of time while there is a backlog, then as it comes.

use eventlog::Record;
use futures_util::future::select_all;
use past::Past;
use schemas::UnixMillis;
use schemas::frame::Frame;
use schemas::ids::Sequence;
use serde::Deserialize;

use crate::ReplayError;
use crate::cli::TailArgs;
use crate::reading::{From, Reading};
use crate::skipped::Skips;

struct Source {
    reader: Reading,
    next: Option<(UnixMillis, Record)>,
    ended: bool,
}

/// The streams of events, by the order in which they were added.
pub(crate) struct Sources {
    once: bool,
    sources: Vec<Source>,
}

/// When a message was decided: frames and entries both say so.
pub(super) fn decided_at(record: &Record) -> UnixMillis {
    #[derive(Deserialize)]
    struct Entry {
        at: UnixMillis,
    }
    let frame = schemas::decode::<Frame>(&record.payload).map(|frame| frame.at);
    frame
        .or_else(|_| schemas::decode::<Entry>(&record.payload).map(|entry| entry.at))
        .unwrap_or(record.stored_at)
}

impl Sources {
    pub(crate) const fn new(once: bool) -> Self {
        Self {
            once,
            sources: Vec::new(),
        }
    }

    pub(crate) async fn add(
        &mut self,
        past: &Past,
        stream: &'static str,
        filters: Vec<String>,
        args: &TailArgs,
    ) -> Result<(), ReplayError> {
        let follow = args.follow();
        let from = match (args.all, args.from) {
            (true, _) => From::After(Sequence(0)),
            (false, Some(from)) => From::Time(from),
            (false, None) => From::After(past.span(stream).await?.last),
        };
        self.sources.push(Source {
            reader: Reading::open(past, stream, filters, from, follow),
            next: None,
            ended: false,
        });
        Ok(())
    }

    /// The next message and the number of its stream; `None` at the end.
    pub(crate) async fn next(
        &mut self,
        skips: &mut Skips,
    ) -> Result<Option<(usize, Record)>, ReplayError> {
        if self.once {
            for source in &mut self.sources {
                source.fill(skips).await?;
            }
        } else {
            self.poll();
            if self.earliest().is_none() {
                return self.wait(skips).await.map(Some);
            }
        }
        Ok(self.earliest().and_then(|at| {
            let (_, record) = self.sources[at].next.take()?;
            Some((at, record))
        }))
    }

    fn earliest(&self) -> Option<usize> {
        let waiting = |(at, source): (usize, &Source)| {
            let (time, _) = source.next.as_ref()?;
            Some((*time, at))
        };
        let earliest = self.sources.iter().enumerate().filter_map(waiting).min();
        earliest.map(|(_, at)| at)
    }

    fn poll(&mut self) {
        for source in &mut self.sources {
            if source.next.is_none() {
                source.next = source
                    .reader
                    .try_next()
                    .map(|record| (decided_at(&record), record));
            }
        }
    }

    async fn wait(&mut self, skips: &mut Skips) -> Result<(usize, Record), ReplayError> {
        if self.sources.is_empty() {
            return Err(ReplayError::Usage("nothing to follow".into()));
        }
        loop {
            // Dropping the others loses nothing: a reader hands over a record only as its last act.
            let reading = self.sources.iter_mut().map(|source| source.reader.read());
            let (read, at, _) = select_all(reading.map(Box::pin)).await;
            match read {
                Ok(Some(record)) => return Ok((at, record)),
                Ok(None) => {}
                Err(error) => self.sources[at].reader.go_over(error, skips)?,
            }
        }
    }
}

impl Source {
    async fn fill(&mut self, skips: &mut Skips) -> Result<(), ReplayError> {
        if self.next.is_none() && !self.ended {
            let record = self.reader.next(skips).await?;
            self.ended = record.is_none();
            self.next = record.map(|record| (decided_at(&record), record));
        }
        Ok(())
    }
}
