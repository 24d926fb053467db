//! One stream, read on from where the export has come, and its events pushed into parts.

use std::time::Duration;

use eventlog::{Follow, Record};
use past::event::{EventError, Events, People};
use past::{Past, PastError, PastReader, Span};
use schemas::subjects::AREA_EVENTS;
use schemas::{Sequence, UnixMillis};

use super::folder::{Commit, Folder};
use super::manifest::{Reached, Skip};
use super::pace::Pace;
use super::parts::Parts;
use super::selection::Selection;
use crate::ReplayError;
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::skipped::{Skipped, Skips};

/// What is decided is stored within seconds, by clocks that differ by seconds. An hour on both sides of the times that
/// are wanted is read as well, and chosen from by when it was decided.
const SLACK: Duration = Duration::from_secs(3600);

/// What an export works with.
pub(super) struct Run<'a> {
    pub(super) past: &'a Past,
    pub(super) pace: &'a mut Pace,
    pub(super) skips: &'a mut Skips,
    pub(super) people: &'a mut dyn People,
    pub(super) interrupt: &'a Interrupt,
}

/// One stream on its way into the export.
pub(super) struct Feed {
    stream: String,
    span: Span,
    events: Events,
    /// The last message that was taken.
    to: Sequence,
    /// The first message there was.
    from: Sequence,
    /// Rows so far.
    rows: u64,
    /// Messages taken or left out since the last commit, if there was one.
    news: bool,
    skipped: Vec<Skip>,
    /// When the first of the events read last was decided.
    decided: Option<UnixMillis>,
}

fn earlier(time: UnixMillis) -> UnixMillis {
    let slack = u64::try_from(SLACK.as_millis()).unwrap_or(0);
    UnixMillis(time.0.saturating_sub(slack))
}

impl Feed {
    /// Goes on where `folder` has come.
    pub(super) async fn open(
        past: &Past,
        stream: &str,
        folder: &Folder,
    ) -> Result<Self, ReplayError> {
        let span = past.span(stream).await?;
        let mut feed = Self {
            stream: stream.to_owned(),
            events: Events::new(),
            to: Sequence(0),
            from: span.first,
            rows: 0,
            news: true,
            skipped: Vec::new(),
            decided: None,
            span,
        };
        if let Some(reached) = folder.manifest().streams.get(stream) {
            feed.go_on(folder, reached)?;
        }
        Ok(feed)
    }

    fn go_on(&mut self, folder: &Folder, reached: &Reached) -> Result<(), ReplayError> {
        let (life, to) = (reached.incarnation, reached.to);
        // Of a stream in which nothing stood, nothing has to fit: an archive does not even know its life.
        let begun = to > Sequence(0);
        if begun && (!self.span.lineage.knows(life, to) || to > self.span.last) {
            return Err(ReplayError::Broken(format!(
                "{} has come to {}:{to} in the life {life} of that stream, which this log, in the life {} up to {}, \
                 does not go on from: export to another directory",
                folder.root().display(),
                self.stream,
                self.span.incarnation,
                self.span.last
            )));
        }
        if let Some(state) = folder.state(reached)? {
            self.events =
                Events::restore(&state).map_err(|error| ReplayError::Broken(sentence(&error)))?;
        }
        (self.to, self.from, self.rows) = (to, reached.from, reached.rows);
        self.news = false;
        Ok(())
    }

    /// Reads to the head.
    pub(super) async fn run(
        mut self,
        run: &mut Run<'_>,
        folder: &mut Folder,
    ) -> Result<(), ReplayError> {
        let selection = folder.manifest().selection.clone();
        let mut parts = Parts::new(folder.root(), selection.format, &self.stream);
        if self.span.messages > 0 && self.span.first > self.to.next() {
            self.missing(run, &selection)?;
        }
        let total = self.span.last.0.saturating_sub(self.to.0);
        let mut progress = Progress::new("messages exported", total);
        let mut reader = self.reader(run.past, &selection);
        loop {
            if run.interrupt.asked() {
                self.commit(&mut parts, folder)?;
                return Err(ReplayError::Interrupted(format!(
                    "the export has come to {}:{}, the same command goes on from there",
                    self.stream, self.to
                )));
            }
            let batch = match reader.next_batch(run.pace.most()).await {
                Ok(batch) => batch,
                Err(error) => {
                    reader = self.damaged(error, run, &selection)?;
                    continue;
                }
            };
            let Some(last) = batch.last() else { break };
            let stored_at = last.stored_at;
            self.decided = None;
            for record in &batch {
                self.take(record, &selection, run, &mut parts)?;
                if parts.are_full() {
                    self.commit(&mut parts, folder)?;
                }
            }
            // By both clocks: the broker's alone, or one worker's, may be wrong.
            let decided = self.decided.unwrap_or_default();
            if selection
                .to
                .is_some_and(|to| earlier(stored_at.min(decided)) >= to)
            {
                break;
            }
            progress.advance(batch.len());
            run.pace.spend(batch.len()).await;
        }
        self.commit(&mut parts, folder)
    }

    /// Reads on. A reader of frames has to know what was before; of other streams, what was stored long before the
    /// first time that is wanted need not be read.
    fn reader(&self, past: &Past, selection: &Selection) -> PastReader {
        let subjects = selection.subjects(&self.stream);
        match selection.from {
            Some(from) if self.to == Sequence(0) && self.stream != AREA_EVENTS => {
                past.read_from_time(&self.stream, subjects, earlier(from), Follow::UntilHead)
            }
            _ => past.read(&self.stream, subjects, self.to, Follow::UntilHead),
        }
    }

    fn take(
        &mut self,
        record: &Record,
        selection: &Selection,
        run: &mut Run<'_>,
        parts: &mut Parts,
    ) -> Result<(), ReplayError> {
        let events = match self.events.of(record) {
            Ok(events) => events,
            Err(error) => {
                self.leave_out(run, (record.sequence, record.sequence), sentence(&error))?;
                self.events.lost(&record.subject);
                // The frame behind a hole is whole in itself.
                match error {
                    EventError::Hole { .. } => self.events.of(record).unwrap_or_default(),
                    _ => Vec::new(),
                }
            }
        };
        let decided = events.iter().map(|event| event.created_at);
        self.decided = decided.chain(self.decided).min();
        for event in events.iter().filter(|event| selection.wants(event)) {
            parts.push(event, run.people)?;
            self.rows += 1;
        }
        self.to = record.sequence;
        self.news = true;
        Ok(())
    }

    /// Notes what is left out, or ends with it.
    fn leave_out(
        &mut self,
        run: &mut Run<'_>,
        (from, to): (Sequence, Sequence),
        why: String,
    ) -> Result<(), ReplayError> {
        let stream = self.stream.clone();
        run.skips.skip(Skipped {
            stream: stream.clone(),
            from,
            to,
            place: None,
            why: why.clone(),
        })?;
        self.news = true;
        self.skipped.push(Skip {
            stream,
            from,
            to,
            why,
        });
        Ok(())
    }

    /// What should come next is not there any more.
    fn missing(&mut self, run: &mut Run<'_>, selection: &Selection) -> Result<(), ReplayError> {
        let (from, to) = (self.to.next(), Sequence(self.span.first.0 - 1));
        if self.to == Sequence(0) && selection.from.is_some() && self.stream != AREA_EVENTS {
            return Ok(());
        }
        let why = "it is in the log no more: name the archive that holds it (--archive)";
        self.leave_out(run, (from, to), why.to_owned())?;
        self.events.lost_any();
        self.to = to;
        Ok(())
    }

    /// What cannot be read: its end, or with `--tolerant` a reader behind it.
    fn damaged(
        &mut self,
        error: PastError,
        run: &mut Run<'_>,
        selection: &Selection,
    ) -> Result<PastReader, ReplayError> {
        let behind = error.skip_to().filter(|behind| *behind > self.to);
        let Some(behind) = behind else {
            return Err(error.into());
        };
        self.leave_out(run, (self.to.next(), behind), sentence(&error))?;
        self.events.lost_any();
        self.to = behind;
        Ok(self.reader(run.past, selection))
    }

    fn commit(&mut self, parts: &mut Parts, folder: &mut Folder) -> Result<(), ReplayError> {
        if !self.news {
            return Ok(());
        }
        let state = if self.stream == AREA_EVENTS {
            self.events.save()
        } else {
            Vec::new()
        };
        folder.commit(Commit {
            stream: self.stream.clone(),
            reached: Reached {
                incarnation: self.span.incarnation,
                from: self.from,
                to: self.to,
                rows: self.rows,
                state: None,
            },
            parts: parts.finish()?,
            skipped: std::mem::take(&mut self.skipped),
            state,
        })?;
        self.news = false;
        Ok(())
    }
}

/// An error with all its causes.
fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
