//! Faults a test can ask for, of the twin and of the real broker alike.
//!
//! They stand between the protocols and the backend: a lost ack is a message that was stored and
//! whose answer never came, whichever broker stored it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use schemas::Sequence;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::nats::NatsBackend;
use super::{
    AskFault, Backend, EXPECTED_LAST, Lane, Outgoing, PublishFault, Raw, RawCore, RawReader,
    RawSubscription, ReadEvent, ReadSpec, Settle, Stored, StreamState, header,
};
use crate::work::WorkOptions;

/// A lost answer is noticed this soon, so that tests need not wait for real timeouts.
const NOTICED: Duration = Duration::from_millis(5);

/// Controls of a log under test. Clones control the same log.
#[derive(Clone)]
pub struct Faults {
    shared: Arc<Shared>,
}

struct Shared {
    lose_acks: AtomicU32,
    lose_messages: AtomicU32,
    in_flight: AtomicU32,
    lose_core: AtomicU32,
    published: AtomicU32,
    full: AtomicBool,
    stale: AtomicBool,
    stalled_until: Mutex<Instant>,
    unanswered_until: Mutex<Instant>,
    silenced: watch::Sender<u64>,
    inner: Arc<dyn Backend>,
}

/// Takes one off `counter`; whether there was one.
fn take(counter: &AtomicU32) -> bool {
    let one_less = |n: u32| n.checked_sub(1);
    counter
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
        .is_ok()
}

fn moment(of: &Mutex<Instant>) -> Instant {
    *of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn set(of: &Mutex<Instant>, time: Duration) {
    *of.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + time;
}

impl Faults {
    pub(crate) fn over(inner: Arc<dyn Backend>) -> Self {
        Self {
            shared: Arc::new(Shared {
                lose_acks: AtomicU32::new(0),
                lose_messages: AtomicU32::new(0),
                in_flight: AtomicU32::new(0),
                lose_core: AtomicU32::new(0),
                published: AtomicU32::new(0),
                full: AtomicBool::new(false),
                stale: AtomicBool::new(false),
                stalled_until: Mutex::new(Instant::now()),
                unanswered_until: Mutex::new(Instant::now()),
                silenced: watch::channel(0).0,
                inner,
            }),
        }
    }

    /// The next `n` messages' acks are lost: stored, but the sender hears nothing.
    pub fn lose_acks(&self, n: u32) {
        self.shared.lose_acks.store(n, Ordering::SeqCst);
    }

    /// The next `n` messages are lost on the way to the broker.
    pub fn lose_messages(&self, n: u32) {
        self.shared.lose_messages.store(n, Ordering::SeqCst);
    }

    /// The next `n` conditioned messages are answered "in flight" (10164) and not stored.
    pub fn in_flight(&self, n: u32) {
        self.shared.in_flight.store(n, Ordering::SeqCst);
    }

    /// For so long nobody responds to a publish, as in an election.
    pub fn no_responders(&self, time: Duration) {
        set(&self.shared.unanswered_until, time);
    }

    /// For so long nothing comes out of the broker: no acks, no messages, no answers.
    pub fn stall(&self, time: Duration) {
        set(&self.shared.stalled_until, time);
    }

    /// Whether reads that do not ask the leader miss everything new.
    pub fn stale_reads(&self, on: bool) {
        self.shared.stale.store(on, Ordering::SeqCst);
    }

    /// Whether streams refuse because they are full.
    pub fn full(&self, on: bool) {
        self.shared.full.store(on, Ordering::SeqCst);
    }

    /// The next `n` messages to subscribers of core subjects (live ones too) are lost.
    pub fn lose_core(&self, n: u32) {
        self.shared.lose_core.store(n, Ordering::SeqCst);
    }

    /// Every open reader falls silent, as when its consumer died with a server.
    pub fn silence_readers(&self) {
        self.shared.silenced.send_modify(|count| *count += 1);
    }

    /// The connections are lost and come back at once.
    pub async fn disconnect(&self) {
        self.shared.inner.reconnect().await;
    }

    /// How many times a message has been handed to the broker, resends included.
    #[must_use]
    pub fn published(&self) -> u32 {
        self.shared.published.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn stalled(&self) -> Option<Instant> {
        let until = moment(&self.stalled_until);
        (until > Instant::now()).then_some(until)
    }

    async fn after_stall<T>(&self, value: T) -> T {
        while let Some(until) = self.stalled() {
            sleep_until(until).await;
        }
        value
    }

    /// What becomes of a publish whose undisturbed answer is `answer`.
    async fn published_or_not(
        &self,
        wait: Duration,
        conditioned: bool,
        answer: impl Future<Output = Result<Stored, PublishFault>> + Send,
    ) -> Result<Stored, PublishFault> {
        self.published.fetch_add(1, Ordering::SeqCst);
        if moment(&self.unanswered_until) > Instant::now() {
            return Err(PublishFault::Silent("no responders".to_owned()));
        }
        if self.full.load(Ordering::SeqCst) {
            return Err(PublishFault::Full("maximum bytes exceeded".to_owned()));
        }
        if conditioned && take(&self.in_flight) {
            return Err(PublishFault::InFlight);
        }
        if take(&self.lose_messages) {
            sleep(NOTICED).await;
            return Err(PublishFault::Silent("the message was lost".to_owned()));
        }
        let lost = take(&self.lose_acks);
        let answer = answer.await;
        if lost {
            sleep(NOTICED).await;
            return Err(PublishFault::Silent("the ack was lost".to_owned()));
        }
        match tokio::time::timeout(wait, self.after_stall(answer)).await {
            Ok(answer) => answer,
            Err(_) => Err(PublishFault::Silent("the broker is stalled".to_owned())),
        }
    }
}

/// A backend with faults.
pub(crate) struct Faulty {
    shared: Arc<Shared>,
}

impl Faulty {
    pub(crate) fn new(faults: &Faults) -> Self {
        Self {
            shared: Arc::clone(&faults.shared),
        }
    }
}

#[async_trait]
impl Backend for Faulty {
    fn broker(&self) -> Option<&NatsBackend> {
        self.shared.inner.broker()
    }

    async fn publish(&self, message: &Outgoing, wait: Duration) -> Result<Stored, PublishFault> {
        let shared = &self.shared;
        let conditioned = header(&message.headers, EXPECTED_LAST).is_some();
        let answer = shared.inner.publish(message, wait);
        shared.published_or_not(wait, conditioned, answer).await
    }

    async fn publish_all(
        &self,
        messages: &[Outgoing],
        wait: Duration,
    ) -> Result<Stored, PublishFault> {
        let shared = &self.shared;
        let inner = &shared.inner;
        let answer = inner.publish_all(messages, wait);
        shared.published_or_not(wait, false, answer).await
    }

    async fn last(&self, lane: Lane, stream: &str, subject: &str) -> Result<Option<Raw>, AskFault> {
        let answer = self.shared.inner.last(lane, stream, subject).await;
        self.shared.after_stall(answer).await
    }

    async fn get(
        &self,
        stream: &str,
        sequence: Sequence,
        subject: Option<&str>,
    ) -> Result<Option<Raw>, AskFault> {
        let answer = self.shared.inner.get(stream, sequence, subject).await;
        self.shared.after_stall(answer).await
    }

    async fn state(&self, stream: &str, subjects: Option<&str>) -> Result<StreamState, AskFault> {
        let answer = self.shared.inner.state(stream, subjects).await;
        self.shared.after_stall(answer).await
    }

    async fn create_stream(&self, config: &Value) -> Result<(), AskFault> {
        self.shared.inner.create_stream(config).await
    }

    async fn update_stream(&self, config: &Value) -> Result<(), AskFault> {
        self.shared.inner.update_stream(config).await
    }

    async fn purge(&self, stream: &str, subject: &str, below: Sequence) -> Result<u64, AskFault> {
        self.shared.inner.purge(stream, subject, below).await
    }

    async fn erase(&self, stream: &str, sequence: Sequence) -> Result<bool, AskFault> {
        self.shared.inner.erase(stream, sequence).await
    }

    async fn open_read(&self, spec: &ReadSpec) -> Result<Box<dyn RawReader>, AskFault> {
        let inner = self.shared.inner.open_read(spec).await?;
        Ok(Box::new(FaultyReader::new(&self.shared, inner, true)))
    }

    async fn open_work(&self, options: &WorkOptions) -> Result<Box<dyn RawReader>, AskFault> {
        let inner = self.shared.inner.open_work(options).await?;
        Ok(Box::new(FaultyReader::new(&self.shared, inner, false)))
    }

    async fn settle(&self, token: &str, how: Settle) -> Result<(), AskFault> {
        let answer = self.shared.inner.settle(token, how).await;
        self.shared.after_stall(answer).await
    }

    async fn publish_core(
        &self,
        lane: Lane,
        subject: &str,
        payload: Bytes,
    ) -> Result<(), PublishFault> {
        let inner = &self.shared.inner;
        inner.publish_core(lane, subject, payload).await
    }

    async fn subscribe(&self, subject: &str) -> Result<Box<dyn RawSubscription>, AskFault> {
        let inner = self.shared.inner.subscribe(subject).await?;
        let shared = Arc::clone(&self.shared);
        Ok(Box::new(FaultySubscription { shared, inner }))
    }

    fn disturbances(&self, lane: Lane) -> watch::Receiver<u64> {
        self.shared.inner.disturbances(lane)
    }

    async fn reconnect(&self) {
        self.shared.inner.reconnect().await;
    }
}

struct FaultyReader {
    shared: Arc<Shared>,
    inner: Box<dyn RawReader>,
    silenced: watch::Receiver<u64>,
    may_be_stale: bool,
    /// Come from the broker, and held back by a stall.
    held: Option<ReadEvent>,
}

impl FaultyReader {
    fn new(shared: &Arc<Shared>, inner: Box<dyn RawReader>, may_be_stale: bool) -> Self {
        Self {
            shared: Arc::clone(shared),
            inner,
            silenced: shared.silenced.subscribe(),
            may_be_stale,
            held: None,
        }
    }
}

#[async_trait]
impl RawReader for FaultyReader {
    async fn next(&mut self) -> ReadEvent {
        if self.silenced.has_changed().unwrap_or(false) {
            return std::future::pending().await;
        }
        if self.held.is_none() {
            let silenced = async {
                match self.silenced.changed().await {
                    Ok(()) => self.silenced.mark_changed(),
                    Err(_) => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = silenced => return std::future::pending().await,
                event = self.inner.next() => self.held = Some(event),
            }
        }
        self.shared.after_stall(()).await;
        if self.may_be_stale && self.shared.stale.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(20)).await;
            return ReadEvent::Idle;
        }
        self.held.take().unwrap_or(ReadEvent::Idle)
    }

    async fn close(&mut self) {
        self.inner.close().await;
    }
}

struct FaultySubscription {
    shared: Arc<Shared>,
    inner: Box<dyn RawSubscription>,
}

#[async_trait]
impl RawSubscription for FaultySubscription {
    async fn next(&mut self) -> Option<RawCore> {
        loop {
            self.shared.after_stall(()).await;
            let message = self.inner.next().await?;
            if !take(&self.shared.lose_core) {
                return Some(message);
            }
        }
    }

    fn try_next(&mut self) -> Option<RawCore> {
        if self.shared.stalled().is_some() {
            return None;
        }
        loop {
            let message = self.inner.try_next()?;
            if !take(&self.shared.lose_core) {
                return Some(message);
            }
        }
    }
}
