//! Entries of a keyed domain, with the commands they have handled.

use std::collections::{HashMap, VecDeque};
use std::marker::PhantomData;
use std::time::Duration;

use eventlog::{Follow, Record};
use past::{Past, PastReader};
use schemas::keyed::{Answered, KeyedEntry, KeyedMessage};
use schemas::subjects::{self, Domain, Subject};
use schemas::{Sequence, UnixMillis};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ReplayError;
use crate::cli::TailArgs;
use crate::describe::{At, Line, keyed_command, keyed_event};
use crate::readable::Reader;
use crate::skipped::Skips;

/// How long a command that has been handled may take to reach us.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long before a moment commands may have come that an entry after it handles.
const SLACK_MILLIS: u64 = 60_000;

/// Commands of one key that no entry has handled yet.
type Waiting<C> = VecDeque<(Sequence, KeyedMessage<C>)>;

/// Entries in their order, each with the commands that it has handled.
pub(crate) struct KeyedTail<C, E, S> {
    domain: Domain,
    commands: PastReader,
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
        let commands = match (args.all, args.from) {
            (true, _) => past.read(stream, Vec::new(), Sequence(0), follow),
            (false, Some(from)) => {
                let since = UnixMillis(from.0.saturating_sub(SLACK_MILLIS));
                past.read_from_time(stream, Vec::new(), since, follow)
            }
            (false, None) => {
                let head = past.span(stream).await?.last;
                past.read(stream, Vec::new(), head, follow)
            }
        };
        Ok(Self::new(domain, commands))
    }

    /// One key only, from its first entry to its last.
    pub(crate) fn of(past: &Past, domain: Domain, key: &str) -> Self {
        let subject = subjects::keyed_command(domain, key);
        let filters = vec![format!("{subject}.>"), subject];
        let stream = domain.command_stream();
        let commands = past.read(stream, filters, Sequence(0), Follow::UntilHead);
        Self::new(domain, commands)
    }

    fn new(domain: Domain, commands: PastReader) -> Self {
        Self {
            domain,
            read_to: commands.position(),
            commands,
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
        self.read_up_to(entry.handled).await?;
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

    async fn read_up_to(&mut self, goal: Sequence) -> Result<(), ReplayError> {
        while self.read_to < goal {
            match tokio::time::timeout(PATIENCE, self.commands.next()).await {
                Ok(record) => match record? {
                    Some(record) => self.keep(&record),
                    None => break,
                },
                Err(_) => break,
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
