//! The way between processes and the twin: everything on it takes its time, and some of it is lost.
//!
//! A **parcel** is something on its way that does its work where it arrives. The network delivers
//! parcels in the order of their arrival, so that what a killed process had sent still arrives, after
//! its successor's, if it so happens. A **link** is one process's way to the broker, three lanes
//! wide; what goes the same way in the same lane stays in order. All chance is drawn
//! from the links' seeds.

mod link;
mod reader;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::{Held, MemoryBackend};

pub use self::link::Weather;
pub(crate) use self::link::{Link, Linked};

/// Work to be done where it arrives.
type Parcel = Box<dyn FnOnce(&Arc<Network>) + Send>;

/// The twin and everything on its way to and from it.
pub(crate) struct Network {
    held: Arc<Held>,
    state: Mutex<State>,
    sooner: Notify,
}

struct State {
    parcels: BTreeMap<(Instant, u64), Parcel>,
    numbered: u64,
    /// Until then the broker takes nothing and says nothing.
    stalled_until: Instant,
    /// Until then nobody leads: what comes is refused for the moment.
    leaderless_until: Instant,
}

impl Network {
    /// A network around `twin`. Its work is done by [`Network::run`].
    pub(crate) fn new(twin: &MemoryBackend) -> Arc<Self> {
        let now = Instant::now();
        Arc::new(Self {
            held: Arc::clone(&twin.held),
            state: Mutex::new(State {
                parcels: BTreeMap::new(),
                numbered: 0,
                stalled_until: now,
                leaderless_until: now,
            }),
            sooner: Notify::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Delivers what arrives, for ever.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            let first = self.first();
            let wait = async {
                match first {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            if first.is_none_or(|at| at > Instant::now()) {
                tokio::select! {
                    biased;
                    () = self.sooner.notified() => continue,
                    () = wait => {}
                }
            }
            let parcel = self.state().parcels.pop_first();
            if let Some((_, parcel)) = parcel {
                parcel(&self);
            }
        }
    }

    fn first(&self) -> Option<Instant> {
        let state = self.state();
        let (at, _) = state.parcels.first_key_value()?.0;
        Some((*at).max(state.stalled_until))
    }

    /// Sends a parcel that arrives at `at`.
    fn send(&self, at: Instant, parcel: Parcel) {
        let mut state = self.state();
        state.numbered += 1;
        let key = (at, state.numbered);
        state.parcels.insert(key, parcel);
        let is_first = state
            .parcels
            .first_key_value()
            .is_some_and(|(k, _)| *k == key);
        if is_first {
            self.sooner.notify_one();
        }
    }

    /// For so long nothing comes out of the broker, and nothing is lost.
    pub(crate) fn stall(&self, time: Duration) {
        self.state().stalled_until = Instant::now() + time;
    }

    /// For so long nobody leads the streams.
    pub(crate) fn leaderless(&self, time: Duration) {
        self.state().leaderless_until = Instant::now() + time;
    }

    /// Until when nothing comes out of the broker.
    fn quiet_until(&self) -> Instant {
        let state = self.state();
        state.stalled_until.max(state.leaderless_until)
    }

    fn is_leaderless(&self) -> bool {
        self.state().leaderless_until > Instant::now()
    }
}
