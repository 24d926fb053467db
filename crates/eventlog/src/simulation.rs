//! The twin as many simulated processes reach it: each over a link of its own, with its own weather.
//!
//! Everything that goes over a link takes its time, and may be lost, cut off or answered late, as
//! the link's seed has it; a message of a killed process that is on its way still arrives.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::EventLog;
use crate::backend::memory::MemoryBackend;
use crate::backend::memory::network::{self, Linked};
use crate::streams::StreamsFile;

pub use crate::backend::memory::network::Weather;

/// The twin behind a network. Clones are the same one.
#[derive(Clone)]
pub struct Network {
    twin: MemoryBackend,
    network: Arc<network::Network>,
}

/// One process's way to the twin. Clones are the same one.
#[derive(Clone)]
pub struct Link(Arc<network::Link>);

impl Network {
    /// The twin with the streams of `nats/streams.toml`. Must be called in the simulated process that is the
    /// broker's; its clock stamps what is stored.
    #[must_use]
    pub fn new() -> Self {
        static FILE: OnceLock<Option<StreamsFile>> = OnceLock::new();
        let twin = MemoryBackend::new();
        let file = FILE.get_or_init(|| StreamsFile::built_in().ok());
        for config in file.iter().flat_map(EventLog::marked) {
            twin.create(&config);
        }
        let network = network::Network::new(&twin);
        drop(ambient::spawn(Arc::clone(&network).run()));
        Self { twin, network }
    }

    /// A way to the twin for one process, whose chance is drawn from `seed`.
    #[must_use]
    pub fn connect(&self, seed: u64, weather: Weather) -> (EventLog, Link) {
        let link = network::Link::new(&self.network, seed, weather);
        let backend = Arc::new(Linked(Arc::clone(&link)));
        (EventLog { backend }, Link(link))
    }

    /// The twin itself: everything at once and nothing lost, for who judges what has come of it.
    #[must_use]
    pub fn observer(&self) -> EventLog {
        EventLog {
            backend: Arc::new(self.twin.clone()),
        }
    }

    /// For so long nothing comes out of the broker, and nothing is lost.
    pub fn stall(&self, time: Duration) {
        self.network.stall(time);
    }

    /// For so long no stream has a leader: what is asked is refused for the moment.
    pub fn leaderless(&self, time: Duration) {
        self.network.leaderless(time);
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

impl Link {
    /// Changes what the link does to what goes over it.
    pub fn weather(&self, weather: Weather) {
        self.0.weather(weather);
    }

    /// Cuts the link for so long. What is sent meanwhile is lost if it `loses`, and the connections
    /// are new afterwards; otherwise it arrives then.
    pub fn cut(&self, time: Duration, loses: bool) {
        self.0.cut(time, loses);
    }

    /// The process is gone. What it has sent still arrives.
    pub fn close(&self) {
        self.0.close();
    }
}
