//! Entries of a keyed domain, with the commands they have handled.

use std::collections::{HashMap, VecDeque};
use std::marker::PhantomData;
use std::time::Duration;

use eventlog::{Follow, Record};
use past::Past;
use schemas::keyed::{Answered, KeyedEntry, KeyedMessage};
use schemas::subjects::{self, Domain, Subject};
use schemas::{Sequence, UnixMillis};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::ReplayError;
use crate::cli::TailArgs;
use crate::describe::{At, Line, keyed_command, keyed_event};
use crate::readable::Reader;
use crate::reading::{From, Reading};
use crate::skipped::Skips;

/// How long a command that has been handled may take to reach us in a live stream.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long before a moment commands may have come that an entry after it handles.
const SLACK_MILLIS: u64 = 60_000;

/// Commands of one key that no entry has handled yet.
type Waiting<C> = VecDeque<(Sequence, KeyedMessage<C>)>;

/// Entries in their order, each with the commands that it has handled.
pub(crate) struct KeyedTail<C, E, S> {
    domain: Domain,
    commands: Reading,
    follow: Follow,
    read_to: Sequence,
    waiting: HashMap<String, Waiting<C>>,
    _entry: PhantomData<fn() -> (E, S)>,
}

impl<C, E, S> KeyedTail<C, E, S>
where
    C: Serialize + DeserializeOwned,
    E: Serialize + DeserializeOwned,
    S: DeserializeOwned,
{
    pub(super) async fn open(
        past: &Past,
        domain: Domain,
        args: &TailArgs,
    ) -> Result<Self, ReplayError> {
        let (stream, follow) = (domain.command_stream(), args.follow());
        let from = match (args.all, args.from) {
            (true, _) => From::After(Sequence(0)),
            (false, Some(from)) => From::Time(UnixMillis(from.0.saturating_sub(SLACK_MILLIS))),
            (false, None) => From::After(past.span(stream).await?.last),
        };
        let commands = Reading::open(past, stream, Vec::new(), from, follow);
        Ok(Self::new(domain, commands, follow))
    }

    /// One key only, from its first entry to its last.
    pub(crate) fn of(past: &Past, domain: Domain, key: &str) -> Self {
        let subject = subjects::keyed_command(domain, key);
        let filters = vec![format!("{subject}.>"), subject];
        let stream = domain.command_stream();
        let (from, follow) = (From::After(Sequence(0)), Follow::UntilHead);
        let commands = Reading::open(past, stream, filters, from, follow);
        Self::new(domain, commands, follow)
    }

    fn new(domain: Domain, commands: Reading, follow: Follow) -> Self {
        Self {
            domain,
            read_to: commands.position(),
            commands,
            follow,
            waiting: HashMap::new(),
            _entry: PhantomData,
        }
    }

    /// What an entry tells.
    pub(crate) async fn lines(
        &mut self,
        record: &Record,
        reader: &Reader,
        skips: &mut Skips,
    ) -> Result<Vec<Line>, ReplayError> {
        let Subject::KeyedEvents(_, key) = Subject::parse(&record.subject) else {
            return Ok(Vec::new());
        };
        let entry: KeyedEntry<E, S> = match schemas::decode(&record.payload) {
            Ok(entry) => entry,
            Err(error) => return skips.message(record, &error).map(|()| Vec::new()),
        };
        self.read_up_to(entry.handled, skips).await?;
        let mut lines = self.handled(&key, &entry, reader);
        let at = self.at(&key, record.sequence, entry.at, reader);
        lines.extend(entry.events.iter().map(|event| keyed_event(&at, event)));
        Ok(lines)
    }

    fn at<'a>(
        &self,
        key: &'a str,
        sequence: Sequence,
        at: UnixMillis,
        reader: &'a Reader,
    ) -> At<'a> {
        At {
            domain: self.domain,
            key,
            sequence,
            at,
            reader,
        }
    }

    fn handled(&mut self, key: &str, entry: &KeyedEntry<E, S>, reader: &Reader) -> Vec<Line> {
        let mut done = Vec::new();
        if let Some(waiting) = self.waiting.get_mut(key) {
            while let Some(next) = waiting.pop_front_if(|(at, _)| *at <= entry.handled) {
                done.push(next);
            }
        }
        done.iter()
            .map(|(sequence, message)| {
                let at = self.at(key, *sequence, entry.at, reader);
                keyed_command(&at, message, outcome(message, entry.answered.as_ref()))
            })
            .collect()
    }

    async fn read_up_to(&mut self, goal: Sequence, skips: &mut Skips) -> Result<(), ReplayError> {
        while self.read_to < goal {
            let next = self.commands.next(skips);
            // One that ends by itself says so, however long the broker takes.
            let next = match self.follow {
                Follow::UntilHead => next.await?,
                Follow::Tail => match timeout(PATIENCE, next).await {
                    Ok(next) => next?,
                    Err(_) => None,
                },
            };
            match next {
                Some(record) => self.keep(&record),
                None => break,
            }
        }
        Ok(())
    }

    fn keep(&mut self, record: &Record) {
        self.read_to = record.sequence;
        // What its service has passed over as no command has no line either.
        if let Ok((key, message)) = KeyedMessage::received(&record.subject, &record.payload) {
            let waiting = self.waiting.entry(key).or_default();
            waiting.push_back((record.sequence, message));
        }
    }
}

fn outcome<C>(message: &KeyedMessage<C>, answered: Option<&Answered>) -> String {
    let answer = match message {
        KeyedMessage::Command { request, .. } => {
            answered.filter(|answered| answered.request == *request)
        }
        KeyedMessage::Effect(_) | KeyedMessage::Confirmation(_) => None,
    };
    match answer.map(|answer| answer.refused.as_deref()) {
        Some(Some(code)) => format!("refused: {code}"),
        Some(None) => "done".to_owned(),
        None => "handled".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use eventlog::EventLog;
    use schemas::Incarnation;
    use schemas::control::{Duty, FleetCommand, FleetEvent, Order, WorkerControl};
    use schemas::keyed::Outbox;
    use schemas::subjects::{keyed_command, keyed_events};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_ends_by_itself_is_waited_for() {
        let (log, faults) = EventLog::in_memory();
        let order = Order {
            by: "op".into(),
            reason: "a test".into(),
        };
        let command: KeyedMessage<FleetCommand> = KeyedMessage::Command {
            request: 1,
            reply: None,
            body: FleetCommand::SetDuty {
                worker: "w1".to_owned(),
                life: 1,
                duty: Duty::Serve,
                order: order.clone(),
            },
        };
        let subject = keyed_command(Domain::Fleet, "w1");
        let sent = log.send(&subject, schemas::encode(&command).into(), None);
        sent.await.unwrap();
        let entry = KeyedEntry {
            v: 1,
            at: UnixMillis(1),
            incarnation: Incarnation(1),
            handled: Sequence(1),
            events: vec![FleetEvent::DutySet {
                life: 1,
                duty: Duty::Serve,
                order,
            }],
            state: WorkerControl::default(),
            outbox: Outbox::default(),
            answered: None,
        };
        let subject = keyed_events(Domain::Fleet, "w1");
        let mut appender = log.appender(&subject).await.unwrap();
        let payload = schemas::encode(&entry).into();
        let at = appender.append(payload, None).await.unwrap();
        let record = log.get(Domain::Fleet.event_stream(), at).await.unwrap();
        let record = record.unwrap();

        let past = Past::of_log(log);
        let mut tail: KeyedTail<FleetCommand, FleetEvent, WorkerControl> =
            KeyedTail::of(&past, Domain::Fleet, "w1");
        faults.stall(PATIENCE * 2);
        let lines = tail
            .lines(&record, &Reader::new(None), &mut Skips::default())
            .await
            .unwrap();
        let classes: Vec<_> = lines.iter().map(|line| line.class).collect();
        assert_eq!(classes, ["command", "event"]);
    }
}
