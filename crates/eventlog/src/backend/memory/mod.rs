//! The twin in memory: what the log needs of a broker, without one.
//!
//! It holds streams with their limits, conditions, dedupe windows and republishing, consumers and
//! core subjects, and knows nothing of the protocols above. Nothing of it survives the process.

mod consumer;
mod stream;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use schemas::Sequence;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use self::consumer::{Durable, MemoryReader, MemoryWork};
use self::stream::MemoryStream;
use super::{
    AskFault, Backend, Headers, Lane, Outgoing, PublishFault, Raw, RawCore, RawReader,
    RawSubscription, ReadSpec, Settle, Start, Stored, StreamState,
};
use crate::subject::matches;
use crate::work::WorkOptions;

/// Larger messages are refused, as by a broker with this `max_payload`.
const MAX_PAYLOAD: usize = 4_000_000;

/// All that the twin holds.
pub(crate) struct MemoryBackend {
    held: Arc<Held>,
}

struct Held {
    world: Mutex<World>,
    /// Rises with every change, so that readers look again.
    changed: watch::Sender<u64>,
    disturbed: watch::Sender<u64>,
}

#[derive(Default)]
struct World {
    streams: BTreeMap<String, MemoryStream>,
    /// By stream and name.
    durables: BTreeMap<(String, String), Durable>,
    subscribers: Vec<(String, mpsc::UnboundedSender<RawCore>)>,
}

impl Held {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stir(&self) {
        self.changed.send_modify(|count| *count += 1);
    }
}

impl World {
    fn stream(&mut self, name: &str) -> Result<&mut MemoryStream, AskFault> {
        let stream = self.streams.get_mut(name).ok_or(AskFault::NoStream)?;
        stream.expire();
        Ok(stream)
    }

    fn deliver(&mut self, message: &RawCore) {
        self.subscribers.retain(|(pattern, sender)| {
            !matches(pattern, &message.subject) || sender.send(message.clone()).is_ok()
        });
    }
}

impl MemoryBackend {
    pub(crate) fn new() -> Self {
        Self {
            held: Arc::new(Held {
                world: Mutex::default(),
                changed: watch::channel(0).0,
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
        if message.payload.len() > MAX_PAYLOAD {
            return Err(PublishFault::TooLarge);
        }
        let stored = {
            let mut world = self.held.world();
            let mut streams = world.streams.values_mut();
            let takes = streams.find(|stream| stream.takes(&message.subject));
            let Some(stream) = takes else {
                return Err(PublishFault::Silent("no responders".to_owned()));
            };
            let (stored, republished) = stream.store(message)?;
            if let Some(republished) = republished {
                world.deliver(&republished);
            }
            stored
        };
        self.held.stir();
        // The answer comes by another turn of the runtime, as from a socket.
        tokio::task::yield_now().await;
        Ok(stored)
    }

    async fn last(
        &self,
        _lane: Lane,
        stream: &str,
        subject: &str,
    ) -> Result<Option<Raw>, AskFault> {
        Ok(self.held.world().stream(stream)?.last_of(subject))
    }

    async fn get(
        &self,
        stream: &str,
        sequence: Sequence,
        subject: Option<&str>,
    ) -> Result<Option<Raw>, AskFault> {
        let mut world = self.held.world();
        let stream = world.stream(stream)?;
        Ok(match subject {
            Some(subject) => stream.first_from(sequence, subject),
            None => stream.messages.get(&sequence.0).cloned(),
        })
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

    async fn open_read(&self, spec: &ReadSpec) -> Result<Box<dyn RawReader>, AskFault> {
        let after = {
            let mut world = self.held.world();
            let stream = world.stream(&spec.stream)?;
            match spec.start {
                Start::After(sequence) => sequence,
                Start::Time(time) => stream.before(time),
                Start::LastPerSubject => Sequence(0),
            }
        };
        let reader = MemoryReader::new(Arc::clone(&self.held), spec.clone(), after);
        Ok(Box::new(reader))
    }

    async fn open_work(&self, options: &WorkOptions) -> Result<Box<dyn RawReader>, AskFault> {
        let mut world = self.held.world();
        world.stream(&options.stream)?;
        let key = (options.stream.clone(), options.durable.clone());
        let durable = world.durables.entry(key).or_default();
        let participant = durable.join();
        let held = Arc::clone(&self.held);
        Ok(Box::new(MemoryWork::new(
            held,
            options.clone(),
            participant,
        )))
    }

    async fn settle(&self, token: &str, how: Settle) -> Result<(), AskFault> {
        let mut parts = token.split('|');
        let (Some(stream), Some(durable), Some(sequence)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return Err(AskFault::Refused(format!("{token} names no delivery")));
        };
        let key = (stream.to_owned(), durable.to_owned());
        if let Some(durable) = self.held.world().durables.get_mut(&key) {
            durable.settle(sequence.parse().unwrap_or(0), how);
        }
        self.held.stir();
        Ok(())
    }

    async fn publish_core(&self, subject: &str, payload: Bytes) -> Result<(), PublishFault> {
        self.held.world().deliver(&RawCore {
            subject: subject.to_owned(),
            payload,
            reply: None,
            headers: Headers::new(),
        });
        Ok(())
    }

    async fn subscribe(&self, subject: &str) -> Result<Box<dyn RawSubscription>, AskFault> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut world = self.held.world();
        world.subscribers.push((subject.to_owned(), sender));
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
