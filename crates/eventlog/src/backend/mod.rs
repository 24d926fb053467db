//! What the log needs of a broker: plain operations, each tried once.
//!
//! An operation says what it met and decides nothing: whether to send again, to read from the
//! leader or to give up is the business of the floor above, which is the same for the real broker
//! ([`nats`]) and for the twin in memory ([`memory`]). [`faults`] stands between the two floors.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use schemas::{Sequence, UnixMillis};
use serde_json::Value;
use tokio::sync::watch;

use crate::record::Record;
use crate::work::WorkOptions;

pub(crate) mod faults;
pub(crate) mod memory;
pub(crate) mod nats;

/// The header that carries the trace context.
pub(crate) const TRACE: &str = "traceparent";
/// The header under which the broker recognises a message sent twice.
pub(crate) const MESSAGE_ID: &str = "Nats-Msg-Id";
/// The header of the condition that is the fence.
pub(crate) const EXPECTED_LAST: &str = "Nats-Expected-Last-Subject-Sequence";

/// The header of the condition that a given message is the last of the whole stream.
pub(crate) const EXPECTED_LAST_OF_STREAM: &str = "Nats-Expected-Last-Sequence";

/// So many messages a broker takes as one.
pub(crate) const MOST_AT_ONCE: usize = 1000;

/// The header of a message that replaces all before it: of its subject, with the value `sub`.
pub(crate) const ROLLUP: &str = "Nats-Rollup";

/// Headers in the order in which they were sent.
pub(crate) type Headers = Vec<(String, String)>;

/// The value of a header; names are compared without regard to case.
pub(crate) fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    let mut all = headers.iter();
    all.find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

/// A broker's RFC 3339 timestamp.
pub(crate) fn read_time(text: &str) -> Option<UnixMillis> {
    let time = async_nats::datetime::parse_rfc3339(text).ok()?;
    let millis = time.unix_timestamp_nanos() / 1_000_000;
    u64::try_from(millis).ok().map(UnixMillis)
}

/// Which connection carries an operation, so that a bulk read does not hold up a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Writes, and the leader reads that decide about them.
    Hot,
    /// Core subjects, live ones among them.
    FanOut,
    /// Everything that reads much.
    Bulk,
}

/// A message to be stored. Sent again, it is sent exactly as it is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub(crate) subject: String,
    pub(crate) payload: Bytes,
    /// Includes the condition and the dedupe id.
    pub(crate) headers: Headers,
}

impl Outgoing {
    pub(crate) fn new(subject: &str, payload: Bytes, trace: Option<&str>) -> Self {
        let headers = trace.map(|trace| (TRACE.to_owned(), trace.to_owned()));
        Self {
            subject: subject.to_owned(),
            payload,
            headers: headers.into_iter().collect(),
        }
    }

    #[must_use]
    pub(crate) fn with(mut self, header: &str, value: impl ToString) -> Self {
        self.headers.push((header.to_owned(), value.to_string()));
        self
    }
}

/// The broker's acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) stream: String,
    pub(crate) sequence: Sequence,
    /// The broker knew the dedupe id: it was stored before.
    pub(crate) duplicate: bool,
}

/// What came back instead of an acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PublishFault {
    /// 10071: the condition does not hold.
    WrongLast(String),
    /// 10164: a message on this subject is in flight.
    InFlight,
    Full(String),
    TooLarge,
    Denied,
    /// A refusal that passes: an election, a server that is starting.
    NotNow(String),
    /// Nothing in time. It may be stored.
    Silent(String),
    /// Refused for good.
    Refused(String),
}

/// What came back instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AskFault {
    Silent(String),
    /// The user may not use this subject.
    Denied(String),
    NoStream,
    Refused(String),
}

/// A stored message with all its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raw {
    pub(crate) stream: String,
    pub(crate) subject: String,
    pub(crate) sequence: Sequence,
    pub(crate) payload: Bytes,
    pub(crate) stored_at: UnixMillis,
    pub(crate) headers: Headers,
}

impl From<Raw> for Record {
    fn from(raw: Raw) -> Self {
        let trace = header(&raw.headers, TRACE).map(ToOwned::to_owned);
        Self {
            stream: raw.stream,
            subject: raw.subject,
            sequence: raw.sequence,
            payload: raw.payload,
            stored_at: raw.stored_at,
            trace,
        }
    }
}

/// A message of a core subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawCore {
    pub(crate) subject: String,
    pub(crate) payload: Bytes,
    pub(crate) reply: Option<String>,
    pub(crate) headers: Headers,
}

/// A stream as its leader describes it.
#[derive(Debug, Clone)]
pub(crate) struct StreamState {
    pub(crate) config: Value,
    pub(crate) first: Sequence,
    pub(crate) last: Sequence,
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    /// What the leader's clock showed when it answered.
    pub(crate) told_at: Option<UnixMillis>,
    /// Only when asked for.
    pub(crate) subjects: Vec<(String, u64)>,
}

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    After(Sequence),
    Time(UnixMillis),
    /// The last message of each subject, then all that come.
    LastPerSubject,
}

/// What an ordered read is about.
#[derive(Debug, Clone)]
pub(crate) struct ReadSpec {
    pub(crate) stream: String,
    /// Empty: all.
    pub(crate) filters: Vec<String>,
    pub(crate) start: Start,
}

/// A message as a consumer delivers it.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) raw: Raw,
    /// The consumer's own count, without gaps.
    pub(crate) consumer_sequence: u64,
    pub(crate) deliveries: u64,
    /// Names this delivery in an acknowledgement.
    pub(crate) token: String,
}

/// What a consumer lets its reader see.
#[derive(Debug, Clone)]
pub(crate) enum ReadEvent {
    Delivered(Delivery),
    /// A heartbeat: alive, and nothing to deliver.
    Idle,
    /// It is gone or of no use; build another.
    Lost(String),
}

/// How a delivery ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Settle {
    Done,
    Again(Duration),
    Working,
}

/// A consumer's deliveries. `next` is cancel safe.
#[async_trait]
pub(crate) trait RawReader: Send {
    async fn next(&mut self) -> ReadEvent;
    /// What is there already and takes no waiting at all; `None` may also mean that `next` must be asked.
    fn try_next(&mut self) -> Option<ReadEvent> {
        None
    }
    /// Ends the consumer, if it is this reader's own.
    async fn close(&mut self);
}

/// A core subscription. Both are cancel safe.
#[async_trait]
pub(crate) trait RawSubscription: Send {
    async fn next(&mut self) -> Option<RawCore>;
    fn try_next(&mut self) -> Option<RawCore>;
}

/// A broker.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    /// The real broker, if this is it: what only that can do is asked of it directly.
    fn broker(&self) -> Option<&nats::NatsBackend> {
        None
    }
    /// Stores a message; waits at most `wait` for the answer.
    async fn publish(&self, message: &Outgoing, wait: Duration) -> Result<Stored, PublishFault>;
    /// Stores messages of one stream as one: all of them or none. The first may carry a condition. At most
    /// [`MOST_AT_ONCE`]; the answer tells of the last. Only where derived streams are filled.
    async fn publish_all(
        &self,
        messages: &[Outgoing],
        wait: Duration,
    ) -> Result<Stored, PublishFault> {
        let reason = format!("{} messages at once are not taken here", messages.len());
        let _ = wait;
        Err(PublishFault::Refused(reason))
    }
    /// The last message of `subject`, wildcards allowed, from the leader.
    async fn last(&self, lane: Lane, stream: &str, subject: &str) -> Result<Option<Raw>, AskFault>;
    /// The message at `sequence` from the leader; with `subject`, the first of that subject at or
    /// after it.
    async fn get(
        &self,
        stream: &str,
        sequence: Sequence,
        subject: Option<&str>,
    ) -> Result<Option<Raw>, AskFault>;
    /// The stream's configuration and state; with `subjects`, the matching ones too.
    async fn state(&self, stream: &str, subjects: Option<&str>) -> Result<StreamState, AskFault>;
    async fn create_stream(&self, config: &Value) -> Result<(), AskFault>;
    async fn update_stream(&self, config: &Value) -> Result<(), AskFault>;
    /// Removes the messages of the exact `subject` strictly below `below`.
    async fn purge(&self, stream: &str, subject: &str, below: Sequence) -> Result<u64, AskFault>;
    /// Removes one message and overwrites on the disks what it held. Whether it was there.
    async fn erase(&self, stream: &str, sequence: Sequence) -> Result<bool, AskFault>;
    async fn open_read(&self, spec: &ReadSpec) -> Result<Box<dyn RawReader>, AskFault>;
    async fn open_work(&self, options: &WorkOptions) -> Result<Box<dyn RawReader>, AskFault>;
    async fn settle(&self, token: &str, how: Settle) -> Result<(), AskFault>;
    /// Handed to the connection, not more; the broker has it before anything sent later on the same lane.
    async fn publish_core(
        &self,
        lane: Lane,
        subject: &str,
        payload: Bytes,
    ) -> Result<(), PublishFault>;
    /// Returns once the broker knows of the subscription.
    async fn subscribe(&self, subject: &str) -> Result<Box<dyn RawSubscription>, AskFault>;
    /// Rises when messages may have been missed on that lane: a reconnect, a slow consumer.
    fn disturbances(&self, lane: Lane) -> watch::Receiver<u64>;
    /// Drops the connections; they come back by themselves.
    async fn reconnect(&self);
}
