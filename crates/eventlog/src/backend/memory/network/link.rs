//! One process's way to the twin.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use schemas::Sequence;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};

use super::reader::{LinkReader, LinkSubscription};
use super::{Network, Parcel};
use crate::backend::memory::consumer::MemoryReader;
use crate::backend::memory::durable::MemoryWork;
use crate::backend::memory::stream::MemoryStream;
use crate::backend::{
    AskFault, Backend, EXPECTED_LAST, Lane, Outgoing, PublishFault, Raw, RawCore, RawReader,
    RawSubscription, ReadSpec, Settle, Stored, StreamState, header,
};
use crate::work::WorkOptions;

/// How long an answer to a question is awaited.
const ASK_WAIT: Duration = Duration::from_secs(3);

/// What a link does to what goes over it. Probabilities are between 0 and 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Weather {
    /// How long something is on its way.
    pub latency: Range<Duration>,
    /// How often it takes much longer than that …
    pub spikes: f64,
    /// … and how long then.
    pub spike: Range<Duration>,
    /// How often a request is lost before it reaches the broker.
    pub lost_requests: f64,
    /// How often an answer is lost: what was asked has been done.
    pub lost_answers: f64,
    /// How often a message to a consumer or subscriber is lost.
    pub lost_messages: f64,
    /// How often a conditioned write is answered "in flight" (10164) and not done.
    pub in_flight: f64,
}

impl Weather {
    /// Nothing is lost and nothing is late.
    #[must_use]
    pub const fn fair() -> Self {
        Self {
            latency: Duration::from_micros(200)..Duration::from_micros(1500),
            spikes: 0.0,
            spike: Duration::ZERO..Duration::from_millis(1),
            lost_requests: 0.0,
            lost_answers: 0.0,
            lost_messages: 0.0,
            in_flight: 0.0,
        }
    }
}

/// Which way something goes.
#[derive(Clone, Copy)]
pub(super) enum Way {
    There,
    Back,
}

/// One process's way to the broker.
pub(crate) struct Link {
    pub(super) network: Arc<Network>,
    state: Mutex<State>,
    disturbed: watch::Sender<u64>,
    heals: AtomicU64,
}

struct State {
    weather: Weather,
    chance: Xoshiro256PlusPlus,
    /// When the last thing arrives, by lane and way: later ones arrive later.
    last: [[Instant; 2]; 3],
    cut_until: Instant,
    /// Whether what is sent while the link is cut is lost; otherwise it arrives afterwards.
    cut_loses: bool,
    closed: bool,
}

impl Link {
    pub(crate) fn new(network: &Arc<Network>, seed: u64, weather: Weather) -> Arc<Self> {
        let now = Instant::now();
        Arc::new(Self {
            network: Arc::clone(network),
            state: Mutex::new(State {
                weather,
                chance: Xoshiro256PlusPlus::seed_from_u64(seed),
                last: [[now; 2]; 3],
                cut_until: now,
                cut_loses: false,
                closed: false,
            }),
            disturbed: watch::channel(0).0,
            heals: AtomicU64::new(0),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn weather(&self, weather: Weather) {
        self.state().weather = weather;
    }

    /// Cuts the link for so long. If it `loses`, the connections are new afterwards.
    pub(crate) fn cut(self: &Arc<Self>, time: Duration, loses: bool) {
        let until = Instant::now() + time;
        {
            let mut state = self.state();
            state.cut_until = until;
            state.cut_loses = loses;
        }
        let heal = self.heals.fetch_add(1, Ordering::Relaxed) + 1;
        if loses {
            let link = Arc::clone(self);
            let healed: Parcel = Box::new(move |_| {
                if link.heals.load(Ordering::Relaxed) == heal {
                    link.disturb();
                }
            });
            self.network.send(until, healed);
        }
    }

    /// The process is gone: nothing more goes out, nothing comes in; what is on its way arrives.
    pub(crate) fn close(&self) {
        self.state().closed = true;
    }

    pub(super) fn disturb(&self) {
        self.disturbed.send_modify(|count| *count += 1);
    }

    /// When something that leaves now arrives; `None`: never.
    pub(super) fn arrival(
        &self,
        lane: Lane,
        way: Way,
        lost: impl Fn(&Weather) -> f64,
    ) -> Option<Instant> {
        let now = Instant::now();
        let mut state = self.state();
        let state = &mut *state;
        let chance = lost(&state.weather);
        if state.closed || (chance > 0.0 && state.chance.random_bool(chance)) {
            return None;
        }
        if state.cut_until > now && state.cut_loses {
            return None;
        }
        let weather = &state.weather;
        let spiky = weather.spikes > 0.0 && state.chance.random_bool(weather.spikes);
        let range = if spiky {
            &weather.spike
        } else {
            &weather.latency
        };
        let delay = state.chance.random_range(range.clone());
        let arrival = now.max(state.cut_until) + delay;
        let last = &mut state.last[lane as usize][way as usize];
        *last = arrival.max(*last);
        Some(*last)
    }

    pub(super) fn is_cut(&self) -> bool {
        let state = self.state();
        state.closed || state.cut_until > Instant::now()
    }

    /// Whether something that happens this often happens now.
    fn happens(&self, often: impl Fn(&Weather) -> f64) -> bool {
        let mut state = self.state();
        let often = often(&state.weather);
        often > 0.0 && state.chance.random_bool(often)
    }

    /// When a lost answer is noticed.
    fn noticed(&self, wait: Duration) -> Duration {
        let most = wait.max(Duration::from_millis(6));
        let range = Duration::from_millis(5)..most;
        self.state().chance.random_range(range)
    }

    /// Has `work` done at the broker; `None`: no answer came.
    async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        lane: Lane,
        wait: Duration,
        work: impl FnOnce(&Network) -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, answer) = oneshot::channel();
        if let Some(at) = self.arrival(lane, Way::There, |weather| weather.lost_requests) {
            let link = Arc::clone(self);
            let request: Parcel = Box::new(move |network| {
                let answer = work(network);
                if let Some(at) = link.arrival(lane, Way::Back, |weather| weather.lost_answers) {
                    // Who does not wait any more does not need it.
                    network.send(at, Box::new(move |_| drop(sender.send(answer))));
                }
            });
            self.network.send(at, request);
        }
        match timeout(wait, answer).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(_)) => {
                sleep(self.noticed(wait)).await;
                None
            }
            Err(_) => None,
        }
    }

    /// As [`Link::ask`], of the streams' leader.
    async fn ask_leader<T: Send + 'static>(
        self: &Arc<Self>,
        lane: Lane,
        work: impl FnOnce(&Network) -> Result<T, AskFault> + Send + 'static,
    ) -> Result<T, AskFault> {
        let silent = |why: &str| AskFault::Silent(why.to_owned());
        let led = move |network: &Network| {
            if network.is_leaderless() {
                return Err(silent("no responders"));
            }
            work(network)
        };
        let answer = self.ask(lane, ASK_WAIT, led).await;
        answer.unwrap_or_else(|| Err(silent("no answer in time")))
    }
}

/// A link as the log's protocols use it.
pub(crate) struct Linked(pub(crate) Arc<Link>);

#[async_trait]
impl Backend for Linked {
    async fn publish(&self, message: &Outgoing, wait: Duration) -> Result<Stored, PublishFault> {
        let conditioned = header(&message.headers, EXPECTED_LAST).is_some();
        if conditioned && self.0.happens(|weather| weather.in_flight) {
            return Err(PublishFault::InFlight);
        }
        let message = message.clone();
        let work = move |network: &Network| {
            if network.is_leaderless() {
                return Err(PublishFault::Silent("no responders".to_owned()));
            }
            network.held.world().store(&message)
        };
        let answer = self.0.ask(Lane::Hot, wait, work).await;
        answer.unwrap_or_else(|| Err(PublishFault::Silent("no answer in time".to_owned())))
    }

    async fn last(&self, lane: Lane, stream: &str, subject: &str) -> Result<Option<Raw>, AskFault> {
        let (stream, subject) = (stream.to_owned(), subject.to_owned());
        let work = move |network: &Network| network.held.last(&stream, &subject);
        self.0.ask_leader(lane, work).await
    }

    async fn get(
        &self,
        stream: &str,
        sequence: Sequence,
        subject: Option<&str>,
    ) -> Result<Option<Raw>, AskFault> {
        let (stream, subject) = (stream.to_owned(), subject.map(ToOwned::to_owned));
        let work = move |network: &Network| network.held.get(&stream, sequence, subject.as_deref());
        self.0.ask_leader(Lane::Bulk, work).await
    }

    async fn state(&self, stream: &str, subjects: Option<&str>) -> Result<StreamState, AskFault> {
        let (stream, subjects) = (stream.to_owned(), subjects.map(ToOwned::to_owned));
        let work = move |network: &Network| {
            let mut world = network.held.world();
            Ok(world.stream(&stream)?.state(subjects.as_deref()))
        };
        self.0.ask_leader(Lane::Bulk, work).await
    }

    async fn create_stream(&self, config: &Value) -> Result<(), AskFault> {
        let stream = MemoryStream::new(config.clone());
        let work = move |network: &Network| {
            let mut world = network.held.world();
            world.streams.entry(stream.name.clone()).or_insert(stream);
            Ok(())
        };
        self.0.ask_leader(Lane::Bulk, work).await
    }

    async fn update_stream(&self, config: &Value) -> Result<(), AskFault> {
        let config = config.clone();
        let work = move |network: &Network| {
            let name = config["name"].as_str().unwrap_or_default().to_owned();
            network.held.world().stream(&name)?.configure(config);
            Ok(())
        };
        self.0.ask_leader(Lane::Bulk, work).await
    }

    async fn purge(&self, stream: &str, subject: &str, below: Sequence) -> Result<u64, AskFault> {
        let (stream, subject) = (stream.to_owned(), subject.to_owned());
        let work = move |network: &Network| {
            let mut world = network.held.world();
            Ok(world.stream(&stream)?.purge(&subject, below))
        };
        self.0.ask_leader(Lane::Bulk, work).await
    }

    async fn erase(&self, stream: &str, sequence: Sequence) -> Result<bool, AskFault> {
        let stream = stream.to_owned();
        let work = move |network: &Network| {
            let mut world = network.held.world();
            Ok(world.stream(&stream)?.erase(sequence))
        };
        self.0.ask_leader(Lane::Bulk, work).await
    }

    async fn open_read(&self, spec: &ReadSpec) -> Result<Box<dyn RawReader>, AskFault> {
        let spec = spec.clone();
        let work = move |network: &Network| {
            MemoryReader::open(&network.held, spec).ok_or(AskFault::NoStream)
        };
        let inner = self.0.ask_leader(Lane::Bulk, work).await?;
        Ok(Box::new(LinkReader::new(&self.0, Box::new(inner))))
    }

    async fn open_work(&self, options: &WorkOptions) -> Result<Box<dyn RawReader>, AskFault> {
        let options = options.clone();
        let work = move |network: &Network| {
            MemoryWork::open(&network.held, options).ok_or(AskFault::NoStream)
        };
        let inner = self.0.ask_leader(Lane::Bulk, work).await?;
        Ok(Box::new(LinkReader::new(&self.0, Box::new(inner))))
    }

    async fn settle(&self, token: &str, how: Settle) -> Result<(), AskFault> {
        let token = token.to_owned();
        let work = move |network: &Network| network.held.settle(&token, how);
        self.0.ask_leader(Lane::Bulk, work).await
    }

    async fn publish_core(
        &self,
        lane: Lane,
        subject: &str,
        payload: Bytes,
    ) -> Result<(), PublishFault> {
        let subject = subject.to_owned();
        let lost = |weather: &Weather| weather.lost_messages;
        if let Some(at) = self.0.arrival(lane, Way::There, lost) {
            let parcel: Parcel =
                Box::new(move |network| network.held.publish_core(&subject, payload));
            self.0.network.send(at, parcel);
        }
        Ok(())
    }

    async fn subscribe(&self, subject: &str) -> Result<Box<dyn RawSubscription>, AskFault> {
        let (sender, receiver) = mpsc::unbounded_channel::<RawCore>();
        let (link, subject) = (Arc::clone(&self.0), subject.to_owned());
        let sink = move |message: &RawCore| {
            let lost = |weather: &Weather| weather.lost_messages;
            if let Some(at) = link.arrival(Lane::FanOut, Way::Back, lost) {
                let (message, sender) = (message.clone(), sender.clone());
                let parcel: Parcel = Box::new(move |_| drop(sender.send(message)));
                link.network.send(at, parcel);
            }
            !sender.is_closed()
        };
        let work = move |network: &Network| {
            network.held.subscribe(&subject, Box::new(sink));
            Ok(())
        };
        self.0.ask_leader(Lane::FanOut, work).await?;
        Ok(Box::new(LinkSubscription(receiver)))
    }

    fn disturbances(&self, _lane: Lane) -> watch::Receiver<u64> {
        self.0.disturbed.subscribe()
    }

    async fn reconnect(&self) {
        self.0.disturb();
    }
}
