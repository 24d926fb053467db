//! The areas' commands, taken out of their stream in step with the frames that consumed them.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use eventlog::{Follow, Record};
use past::{Past, PastError, PastReader, Span};
use schemas::command::AreaMessage;
use schemas::ids::CommandPosition;
use schemas::subjects::{AREA_COMMANDS, Subject};
use schemas::{AreaId, Sequence};
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use world::Incoming;

use crate::skipped::{Skipped, Skips};

/// How long a command that a frame has consumed may take to reach us in a live stream.
const PATIENCE: Duration = Duration::from_secs(5);

/// Commands read and not yet consumed by a frame that was read.
pub(crate) struct Commands {
    past: Past,
    filters: Vec<String>,
    follow: Follow,
    reader: PastReader,
    /// What there is to read; its first message is the first for us.
    span: Span,
    read_to: Sequence,
    waiting: HashMap<AreaId, VecDeque<Incoming>>,
    skips: Skips,
}

/// What a frame has consumed.
#[derive(Debug, Default)]
pub(crate) struct Consumed {
    /// In the order of the stream.
    pub(crate) commands: Vec<Incoming>,
    /// Whether some may be missing: retention has taken them, they are damaged, or they did not come in time.
    pub(crate) incomplete: bool,
}

impl Commands {
    /// Reads from `after` on; `filters` as in [`Past::read`].
    pub(crate) async fn open(
        past: &Past,
        filters: Vec<String>,
        after: Sequence,
        follow: Follow,
    ) -> Result<Self, PastError> {
        let mut span = past.span(AREA_COMMANDS).await?;
        span.first = span.first.max(after.next());
        Ok(Self {
            reader: past.read(AREA_COMMANDS, filters.clone(), after, follow),
            past: past.clone(),
            filters,
            follow,
            span,
            read_to: after,
            waiting: HashMap::new(),
            skips: Skips::new(false),
        })
    }

    /// Goes on over damage, if it may.
    pub(crate) fn tolerant(mut self, may: bool) -> Self {
        self.skips = Skips::new(may);
        self
    }

    /// What could not be read.
    pub(crate) const fn skips(&mut self) -> &mut Skips {
        &mut self.skips
    }

    /// Notes what is damaged and goes on after it, or ends with it. What was consumed up to there is incomplete.
    fn go_over(&mut self, error: PastError) -> Result<(), PastError> {
        let to = match error.skip_to() {
            Some(to) if self.skips.may() => to,
            _ => return Err(error),
        };
        let skipped = Skipped {
            stream: AREA_COMMANDS.to_owned(),
            from: self.read_to.next(),
            to,
            place: None,
            why: error.to_string(),
        };
        if self.skips.skip(skipped).is_err() {
            return Err(error);
        }
        self.read_to = to;
        self.span.first = self.span.first.max(to.next());
        let filters = self.filters.clone();
        self.reader = self.past.read(AREA_COMMANDS, filters, to, self.follow);
        Ok(())
    }

    /// From where another reader has all that this one still holds or has not read, and the first message that there
    /// was for this one.
    pub(crate) fn resume_point(&self) -> (Sequence, Sequence) {
        let waiting = self.waiting.values().filter_map(VecDeque::front);
        let oldest = waiting.map(|next| Sequence(next.position.sequence.0.saturating_sub(1)));
        let after = oldest.min().unwrap_or(self.read_to).min(self.read_to);
        (after, self.span.first)
    }

    /// As [`Commands::open`] at another one's [`Commands::resume_point`].
    pub(crate) async fn resume(
        past: &Past,
        (after, first): (Sequence, Sequence),
        follow: Follow,
    ) -> Result<Self, PastError> {
        let mut resumed = Self::open(past, Vec::new(), after, follow).await?;
        if resumed.span.first == after.next() {
            resumed.span.first = first;
        }
        Ok(resumed)
    }

    /// Takes what `area` has consumed between two positions.
    pub(crate) async fn take(
        &mut self,
        area: &AreaId,
        from: CommandPosition,
        to: CommandPosition,
    ) -> Result<Consumed, PastError> {
        if !self.span.lineage.knows(to.incarnation, to.sequence) {
            return Ok(Consumed {
                commands: Vec::new(),
                incomplete: to > from,
            });
        }
        // In the life that the commands read here are stamped with; their numbers are the same.
        let incarnation = self.span.lineage.incarnation();
        let [from, to] = [from, to].map(|at| CommandPosition { incarnation, ..at });
        self.read_up_to(to.sequence).await?;
        let mut consumed = Consumed {
            commands: Vec::new(),
            incomplete: to > from && self.span.lacks(from.sequence, to.sequence),
        };
        let Some(waiting) = self.waiting.get_mut(area) else {
            return Ok(consumed);
        };
        while let Some(next) = waiting.pop_front_if(|next| next.position <= to) {
            // What lies at or before `from` was consumed by a frame that was not read.
            if next.position > from {
                consumed.commands.push(next);
            }
        }
        Ok(consumed)
    }

    async fn read_up_to(&mut self, goal: Sequence) -> Result<(), PastError> {
        let mut reopened = false;
        while self.read_to < goal {
            match self.next().await {
                Ok(Err(error)) => self.go_over(error)?,
                Ok(Ok(record)) => match record {
                    Some(record) => self.keep(&record),
                    // It has come since reading began.
                    None if !reopened => {
                        reopened = true;
                        self.reader = self.past.read(
                            AREA_COMMANDS,
                            self.filters.clone(),
                            self.read_to,
                            self.follow,
                        );
                    }
                    None => self.read_to = goal,
                },
                // Aged out at the very end of the stream, not of our filters, or still on its way: nobody can tell.
                Err(_) => {
                    self.read_to = goal;
                    self.span.first = self.span.first.max(goal.next());
                }
            }
        }
        Ok(())
    }

    /// The next message. One that ends by itself says so, however long the broker takes; one that follows may have been
    /// told of a message that it never gets.
    async fn next(&mut self) -> Result<Result<Option<Record>, PastError>, Elapsed> {
        match self.follow {
            Follow::UntilHead => Ok(self.reader.next().await),
            Follow::Tail => timeout(PATIENCE, self.reader.next()).await,
        }
    }

    /// Reads on to the head of a reader that ends there.
    pub(crate) async fn read_rest(&mut self) -> Result<(), PastError> {
        loop {
            match self.reader.next().await {
                Ok(Some(record)) => self.keep(&record),
                Ok(None) => return Ok(()),
                Err(error) => self.go_over(error)?,
            }
        }
    }

    fn keep(&mut self, record: &Record) {
        self.read_to = record.sequence;
        let Subject::AreaCommand(area, _) = Subject::parse(&record.subject) else {
            return;
        };
        let (sequence, at) = (record.sequence, record.stored_at);
        let incarnation = self.span.lineage.incarnation();
        let commands = match AreaMessage::received(&record.subject, &record.payload) {
            Ok(message) => world::incoming(message, incarnation, sequence, at),
            Err(_) => vec![world::undecodable(incarnation, sequence, at)],
        };
        self.waiting.entry(area).or_default().extend(commands);
    }

    /// Commands that no frame has consumed yet, by area.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (&AreaId, &VecDeque<Incoming>)> {
        self.waiting.iter().filter(|(_, queue)| !queue.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use eventlog::EventLog;
    use schemas::EdgeId;
    use schemas::subjects::{Sender, area_command};

    use super::*;

    /// What an area has consumed of one message, read while the broker is away for longer than [`PATIENCE`].
    async fn consumed_in_an_outage(follow: Follow) -> Consumed {
        let (log, faults) = EventLog::in_memory();
        let area = AreaId::new("harbor-1").unwrap();
        let subject = area_command(&area, &Sender::Edge(EdgeId(1)));
        let sent = log.send(&subject, b"not a message".to_vec().into(), None);
        sent.await.unwrap();
        let past = Past::of_log(log);
        let mut commands = Commands::open(&past, Vec::new(), Sequence(0), follow)
            .await
            .unwrap();
        let to = CommandPosition {
            incarnation: commands.span.incarnation,
            sequence: Sequence(1),
            index: u32::MAX,
        };
        faults.stall(PATIENCE * 2);
        let from = CommandPosition::default();
        commands.take(&area, from, to).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn what_ends_by_itself_is_waited_for() {
        let consumed = consumed_in_an_outage(Follow::UntilHead).await;
        assert_eq!(consumed.commands.len(), 1);
        assert!(!consumed.incomplete);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_waited_for_is_not_taken_for_all() {
        let consumed = consumed_in_an_outage(Follow::Tail).await;
        assert_eq!(consumed.commands.len(), 0);
        assert!(consumed.incomplete);
    }
}
