//! One stream of the twin: storing under conditions and limits.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use schemas::{Sequence, UnixMillis};
use serde_json::Value;
use tokio::time::Instant;

use super::limits::Limits;
use super::waiters::Waiters;

use crate::backend::{
    EXPECTED_LAST, EXPECTED_LAST_OF_STREAM, Headers, MESSAGE_ID, MOST_AT_ONCE, Outgoing,
    PublishFault, ROLLUP, Raw, RawCore, Stored, StreamState, header,
};
use crate::subject::matches;

/// A stream.
pub(super) struct MemoryStream {
    pub(super) name: String,
    config: Value,
    pub(super) limits: Limits,
    /// Who wants to know of new messages.
    pub(super) waiters: Waiters,
    pub(super) messages: BTreeMap<u64, Raw>,
    by_subject: BTreeMap<String, BTreeSet<u64>>,
    bytes: u64,
    pub(super) last: u64,
    /// Dedupe ids with what they stored.
    ids: HashMap<String, u64>,
    /// The same in the order in which they came.
    ids_by_age: VecDeque<(Instant, String)>,
    /// When each message was stored; only of streams whose messages grow old.
    ages: BTreeMap<u64, Instant>,
}

impl MemoryStream {
    pub(super) fn new(config: Value) -> Self {
        Self {
            name: config["name"].as_str().unwrap_or_default().to_owned(),
            limits: Limits::of(&config),
            config,
            waiters: Waiters::default(),
            messages: BTreeMap::new(),
            by_subject: BTreeMap::new(),
            bytes: 0,
            last: 0,
            ids: HashMap::new(),
            ids_by_age: VecDeque::new(),
            ages: BTreeMap::new(),
        }
    }

    pub(super) fn configure(&mut self, config: Value) {
        self.limits = Limits::of(&config);
        self.config = config;
    }

    pub(super) fn takes(&self, subject: &str) -> bool {
        let mut patterns = self.limits.subjects.iter();
        patterns.any(|pattern| matches(pattern, subject))
    }

    fn last_sequence(&self, subject: &str) -> u64 {
        let all = self.by_subject.get(subject);
        all.and_then(|all| all.last().copied()).unwrap_or(0)
    }

    /// Stores a message, or says why not; with what is to be republished.
    pub(super) fn store(
        &mut self,
        message: &Outgoing,
    ) -> Result<(Stored, Option<RawCore>), PublishFault> {
        self.expire();
        if let Some(sequence) = self.known(&message.headers) {
            let stored = Stored {
                stream: self.name.clone(),
                sequence: Sequence(sequence),
                duplicate: true,
            };
            return Ok((stored, None));
        }
        let before = self.last_sequence(&message.subject);
        if let Some(expected) = header(&message.headers, EXPECTED_LAST)
            && expected.parse() != Ok(before)
        {
            return Err(PublishFault::WrongLast(format!(
                "wrong last sequence: {before}"
            )));
        }
        if let Some(expected) = header(&message.headers, EXPECTED_LAST_OF_STREAM)
            && expected.parse() != Ok(self.last)
        {
            let last = self.last;
            return Err(PublishFault::WrongLast(format!(
                "wrong last sequence: {last}"
            )));
        }
        let size = message.payload.len() as u64 + message.subject.len() as u64;
        if self
            .limits
            .refuses_beyond
            .is_some_and(|limit| self.bytes + size > limit)
        {
            return Err(PublishFault::Full("maximum bytes exceeded".to_owned()));
        }
        let stored = self.push(&message.subject, message.payload.clone(), &message.headers);
        if let Some(id) = header(&message.headers, MESSAGE_ID) {
            self.ids.insert(id.to_owned(), stored.sequence.0);
            self.ids_by_age.push_back((Instant::now(), id.to_owned()));
        }
        let republished = self.republished(&stored, before);
        let stored = Stored {
            stream: self.name.clone(),
            sequence: stored.sequence,
            duplicate: false,
        };
        Ok((stored, republished))
    }

    /// Whether all of them could be stored as one; only the first may carry a condition.
    pub(super) fn takes_all(&mut self, messages: &[Outgoing]) -> Result<(), PublishFault> {
        self.expire();
        if !self.limits.takes_batches || messages.len() > MOST_AT_ONCE {
            let reason = format!("{} messages at once are not taken", messages.len());
            return Err(PublishFault::Refused(reason));
        }
        if let Some(expected) = messages
            .first()
            .and_then(|first| header(&first.headers, EXPECTED_LAST_OF_STREAM))
            && expected.parse() != Ok(self.last)
        {
            let last = self.last;
            let said = format!("wrong last sequence: {last}");
            return Err(PublishFault::WrongLast(said));
        }
        let mut within = BTreeSet::new();
        for message in messages {
            let id = header(&message.headers, MESSAGE_ID);
            if self.known(&message.headers).is_some() || id.is_some_and(|id| !within.insert(id)) {
                let said = "a message id is there already".to_owned();
                return Err(PublishFault::WrongLast(said));
            }
        }
        Ok(())
    }

    fn known(&mut self, headers: &Headers) -> Option<u64> {
        let window = self.limits.dedupe_window?;
        while let Some((_, id)) = self
            .ids_by_age
            .pop_front_if(|(at, _)| at.elapsed() >= window)
        {
            self.ids.remove(&id);
        }
        self.ids.get(header(headers, MESSAGE_ID)?).copied()
    }

    fn push(&mut self, subject: &str, payload: bytes::Bytes, headers: &Headers) -> Raw {
        self.last += 1;
        let raw = Raw {
            stream: self.name.clone(),
            subject: subject.to_owned(),
            sequence: Sequence(self.last),
            payload,
            stored_at: UnixMillis::now(),
            headers: headers.clone(),
        };
        self.bytes += raw.payload.len() as u64 + subject.len() as u64;
        self.messages.insert(self.last, raw.clone());
        if self.limits.max_age.is_some() {
            self.ages.insert(self.last, Instant::now());
        }
        let all = self.by_subject.entry(subject.to_owned()).or_default();
        if header(headers, ROLLUP) == Some("sub") {
            for sequence in std::mem::take(all) {
                self.remove(sequence);
            }
        }
        let all = self.by_subject.entry(subject.to_owned()).or_default();
        all.insert(self.last);
        let kept = self.limits.per_subject;
        if kept > 0 && all.len() as u64 > kept {
            let oldest = all.first().copied().unwrap_or(0);
            self.remove(oldest);
        }
        self.waiters.wake(subject);
        raw
    }

    fn remove(&mut self, sequence: u64) {
        self.ages.remove(&sequence);
        let Some(raw) = self.messages.remove(&sequence) else {
            return;
        };
        self.bytes -= raw.payload.len() as u64 + raw.subject.len() as u64;
        if let Some(all) = self.by_subject.get_mut(&raw.subject) {
            all.remove(&sequence);
            if all.is_empty() {
                self.by_subject.remove(&raw.subject);
            }
        }
    }

    /// The message as subscribers see it, with the headers a broker adds.
    fn republished(&self, stored: &Raw, before: u64) -> Option<RawCore> {
        let (source, prefix) = self.limits.republish.as_ref()?;
        matches(source, &stored.subject).then_some(())?;
        let mut headers = stored.headers.clone();
        let added = [
            ("Nats-Stream", self.name.clone()),
            ("Nats-Subject", stored.subject.clone()),
            ("Nats-Sequence", stored.sequence.to_string()),
            ("Nats-Last-Sequence", before.to_string()),
        ];
        headers.extend(added.map(|(name, value)| (name.to_owned(), value)));
        Some(RawCore {
            subject: format!("{prefix}{}", stored.subject),
            payload: stored.payload.clone(),
            reply: None,
            headers,
        })
    }

    /// Removes what is older than the stream keeps, leaving markers where it is told to.
    pub(super) fn expire(&mut self) {
        let Some(age) = self.limits.max_age else {
            return;
        };
        let marks = self.limits.marks_expired;
        while let Some((&sequence, at)) = self.ages.first_key_value() {
            if at.elapsed() < age {
                return;
            }
            let old = self.messages.get(&sequence).cloned();
            self.remove(sequence);
            let Some(old) = old else { continue };
            let marker = header(&old.headers, MARKER).is_some();
            if marks && !marker && self.last_sequence(&old.subject) == 0 {
                let headers = vec![(MARKER.to_owned(), "MaxAge".to_owned())];
                self.push(&old.subject, bytes::Bytes::new(), &headers);
            }
        }
    }

    pub(super) fn last_of(&self, subject: &str) -> Option<Raw> {
        if let Some(all) = self.by_subject.get(subject) {
            return self.messages.get(all.last()?).cloned();
        }
        let mut newest_first = self.messages.values().rev();
        newest_first
            .find(|raw| matches(subject, &raw.subject))
            .cloned()
    }

    pub(super) fn first_from(&self, from: Sequence, subject: &str) -> Option<Raw> {
        let mut later = self.messages.range(from.0..).map(|(_, raw)| raw);
        later.find(|raw| matches(subject, &raw.subject)).cloned()
    }

    /// The last sequence before `time`.
    pub(super) fn before(&self, time: UnixMillis) -> Sequence {
        let from = self.messages.values().find(|raw| raw.stored_at >= time);
        from.map_or(Sequence(self.last), |raw| Sequence(raw.sequence.0 - 1))
    }

    pub(super) fn erase(&mut self, sequence: Sequence) -> bool {
        let there = self.messages.contains_key(&sequence.0);
        self.remove(sequence.0);
        there
    }

    pub(super) fn purge(&mut self, subject: &str, below: Sequence) -> u64 {
        let all = self.by_subject.get(subject).cloned().unwrap_or_default();
        let gone: Vec<u64> = all.range(..below.0).copied().collect();
        gone.iter().for_each(|sequence| self.remove(*sequence));
        gone.len() as u64
    }

    pub(super) fn state(&self, subjects: Option<&str>) -> StreamState {
        let first = self.messages.first_key_value();
        let first = first.map_or(self.last + 1, |(sequence, _)| *sequence);
        let counts = self.by_subject.iter();
        let counts = counts.filter(|(name, _)| subjects.is_some_and(|f| matches(f, name)));
        StreamState {
            config: self.config.clone(),
            first: Sequence(first),
            last: Sequence(self.last),
            messages: self.messages.len() as u64,
            bytes: self.bytes,
            told_at: Some(UnixMillis::now()),
            subjects: counts
                .map(|(name, all)| (name.clone(), all.len() as u64))
                .collect(),
        }
    }

    /// Whether this message is the last of its subject.
    pub(super) fn is_last(&self, raw: &Raw) -> bool {
        self.last_sequence(&raw.subject) == raw.sequence.0
    }
}

/// The header of the message a broker leaves where the last one of a subject has expired.
const MARKER: &str = "Nats-Marker-Reason";
