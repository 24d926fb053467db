//! The twin in memory: what the log needs of a broker, without one.
//!
//! It holds streams with their limits, conditions, dedupe windows and republishing, consumers and
//! core subjects, and knows nothing of the protocols above. Nothing of it survives the process.

mod consumer;
mod durable;
mod limits;
#[cfg(feature = "simulation")]
pub(crate) mod network;
mod stream;
mod waiters;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use schemas::Sequence;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use self::consumer::MemoryReader;
use self::durable::{Durable, MemoryWork};
use self::stream::MemoryStream;
use super::{
    AskFault, Backend, Headers, Lane, Outgoing, PublishFault, Raw, RawCore, RawReader,
    RawSubscription, ReadSpec, Settle, Stored, StreamState,
};
use crate::subject::matches;
use crate::work::WorkOptions;

/// Larger messages are refused, as by a broker with this `max_payload`.
const MAX_PAYLOAD: usize = 4_000_000;

/// All that the twin holds.
#[derive(Clone)]
pub(crate) struct MemoryBackend {
    held: Arc<Held>,
}

struct Held {
    world: Mutex<World>,
    disturbed: watch::Sender<u64>,
}

#[derive(Default)]
struct World {
    streams: BTreeMap<String, MemoryStream>,
    /// By stream and name, with how long a message may stay unacknowledged.
    durables: BTreeMap<(String, String), (Durable, Duration)>,
    subscribers: Vec<(String, Sink)>,
}

/// Takes messages to a subscriber; `false` once it is gone.
type Sink = Box<dyn Fn(&RawCore) -> bool + Send>;

impl World {
    fn stream(&mut self, name: &str) -> Result<&mut MemoryStream, AskFault> {
        let stream = self.streams.get_mut(name).ok_or(AskFault::NoStream)?;
        stream.expire();
        Ok(stream)
    }

    fn deliver(&mut self, message: &RawCore) {
        self.subscribers
            .retain(|(pattern, sink)| !matches(pattern, &message.subject) || sink(message));
    }

    fn store(&mut self, message: &Outgoing) -> Result<Stored, PublishFault> {
        if message.payload.len() > MAX_PAYLOAD {
            return Err(PublishFault::TooLarge);
        }
        let mut streams = self.streams.values_mut();
        let takes = streams.find(|stream| stream.takes(&message.subject));
        let Some(stream) = takes else {
            return Err(PublishFault::Silent("no responders".to_owned()));
        };
        let (stored, republished) = stream.store(message)?;
        if let Some(republished) = republished {
            self.deliver(&republished);
        }
        Ok(stored)
    }
}

impl World {
    /// Stores all or none: a broker looks at ids and conditions before it stores the first.
    fn store_all(&mut self, messages: &[Outgoing]) -> Result<Stored, PublishFault> {
        let Some((first, others)) = messages.split_first() else {
            return Err(PublishFault::Refused("nothing to store".to_owned()));
        };
        let mut streams = self.streams.values_mut();
        let takes = streams.find(|stream| stream.takes(&first.subject));
        let Some(stream) = takes else {
            return Err(PublishFault::Silent("no responders".to_owned()));
        };
        stream.takes_all(messages)?;
        let mut last = self.store(first)?;
        for message in others {
            last = self.store(message)?;
        }
        Ok(last)
    }
}

impl Held {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last(&self, stream: &str, subject: &str) -> Result<Option<Raw>, AskFault> {
        Ok(self.world().stream(stream)?.last_of(subject))
    }

    fn get(
        &self,
        stream: &str,
        sequence: Sequence,
        subject: Option<&str>,
    ) -> Result<Option<Raw>, AskFault> {
        let mut world = self.world();
        let stream = world.stream(stream)?;
        Ok(match subject {
            Some(subject) => stream.first_from(sequence, subject),
            None => stream.messages.get(&sequence.0).cloned(),
        })
    }

    fn settle(&self, token: &str, how: Settle) -> Result<(), AskFault> {
        let mut parts = token.split('|');
        let (Some(stream), Some(durable), Some(sequence)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(AskFault::Refused(format!("{token} names no delivery")));
        };
        let key = (stream.to_owned(), durable.to_owned());
        if let Some((durable, ack_wait)) = self.world().durables.get_mut(&key) {
            durable.settle(sequence.parse().unwrap_or(0), how, *ack_wait);
        }
        Ok(())
    }

    fn publish_core(&self, subject: &str, payload: Bytes) {
        self.world().deliver(&RawCore {
            subject: subject.to_owned(),
            payload,
            reply: None,
            headers: Headers::new(),
        });
    }

    fn subscribe(&self, subject: &str, sink: Sink) {
        self.world().subscribers.push((subject.to_owned(), sink));
    }
}

impl MemoryBackend {
    pub(crate) fn new() -> Self {
        Self {
            held: Arc::new(Held {
                world: Mutex::default(),
                disturbed: watch::channel(0).0,
            }),
        }
    }

    /// As [`Backend::create_stream`], at once.
    pub(crate) fn create(&self, config: &Value) {
        let stream = MemoryStream::new(config.clone());
        let mut world = self.held.world();
        world.streams.entry(stream.name.clone()).or_insert(stream);
    }
}

#[async_trait]
impl Backend for MemoryBackend {
    async fn publish(&self, message: &Outgoing, _wait: Duration) -> Result<Stored, PublishFault> {
        let stored = self.held.world().store(message)?;
        // The answer comes by another turn of the runtime, as from a socket.
        tokio::task::yield_now().await;
        Ok(stored)
    }

    async fn publish_all(
        &self,
        messages: &[Outgoing],
        _wait: Duration,
    ) -> Result<Stored, PublishFault> {
        let stored = self.held.world().store_all(messages)?;
        tokio::task::yield_now().await;
        Ok(stored)
    }

    async fn last(
        &self,
        _lane: Lane,
        stream: &str,
        subject: &str,
    ) -> Result<Option<Raw>, AskFault> {
        self.held.last(stream, subject)
    }

    async fn get(
        &self,
        stream: &str,
        sequence: Sequence,
        subject: Option<&str>,
    ) -> Result<Option<Raw>, AskFault> {
        self.held.get(stream, sequence, subject)
    }

    async fn state(&self, stream: &str, subjects: Option<&str>) -> Result<StreamState, AskFault> {
        Ok(self.held.world().stream(stream)?.state(subjects))
    }

    async fn create_stream(&self, config: &Value) -> Result<(), AskFault> {
        self.create(config);
        Ok(())
    }

    async fn update_stream(&self, config: &Value) -> Result<(), AskFault> {
        let name = config["name"].as_str().unwrap_or_default();
        self.held.world().stream(name)?.configure(config.clone());
        Ok(())
    }

    async fn purge(&self, stream: &str, subject: &str, below: Sequence) -> Result<u64, AskFault> {
        Ok(self.held.world().stream(stream)?.purge(subject, below))
    }

    async fn erase(&self, stream: &str, sequence: Sequence) -> Result<bool, AskFault> {
        Ok(self.held.world().stream(stream)?.erase(sequence))
    }

    async fn open_read(&self, spec: &ReadSpec) -> Result<Box<dyn RawReader>, AskFault> {
        let reader = MemoryReader::open(&self.held, spec.clone());
        Ok(Box::new(reader.ok_or(AskFault::NoStream)?))
    }

    async fn open_work(&self, options: &WorkOptions) -> Result<Box<dyn RawReader>, AskFault> {
        let work = MemoryWork::open(&self.held, options.clone());
        Ok(Box::new(work.ok_or(AskFault::NoStream)?))
    }

    async fn settle(&self, token: &str, how: Settle) -> Result<(), AskFault> {
        self.held.settle(token, how)
    }

    async fn publish_core(
        &self,
        _lane: Lane,
        subject: &str,
        payload: Bytes,
    ) -> Result<(), PublishFault> {
        self.held.publish_core(subject, payload);
        Ok(())
    }

    async fn subscribe(&self, subject: &str) -> Result<Box<dyn RawSubscription>, AskFault> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let sink = move |message: &RawCore| sender.send(message.clone()).is_ok();
        self.held.subscribe(subject, Box::new(sink));
        Ok(Box::new(MemorySubscription(receiver)))
    }

    fn disturbances(&self, _lane: Lane) -> watch::Receiver<u64> {
        self.held.disturbed.subscribe()
    }

    async fn reconnect(&self) {
        self.held.disturbed.send_modify(|count| *count += 1);
    }
}

struct MemorySubscription(mpsc::UnboundedReceiver<RawCore>);

#[async_trait]
impl RawSubscription for MemorySubscription {
    async fn next(&mut self) -> Option<RawCore> {
        self.0.recv().await
    }

    fn try_next(&mut self) -> Option<RawCore> {
        self.0.try_recv().ok()
    }
}
