//! What all areas of a worker share.

use std::sync::Arc;
use std::time::Duration;

use eventlog::EventLog;
use schemas::{Claim, UnixMillis, WorkerId};
use tokio::sync::{Notify, Semaphore};

use crate::appends::Appends;
use crate::broker_time::BrokerTime;
use crate::config::Config;
use crate::peers::Peers;
use crate::replicas::Replicas;
use crate::streams::KnownStreams;
use crate::ticks::TickThreads;

/// Areas that are restored at the same time.
const CLAIMS_AT_ONCE: usize = 8;
/// How often a late worker looks whether it has caught up.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What all areas of a worker share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) me: WorkerId,
    /// Differs between two lives of one name, and is higher the later one began.
    pub(crate) life: u64,
    pub(crate) log: EventLog,
    pub(crate) ticks: TickThreads,
    pub(crate) peers: Peers,
    /// What is known of the areas' streams.
    pub(crate) streams: KnownStreams,
    /// Turns at restoring what is to be owned.
    pub(crate) claims: Semaphore,
    /// Room for replicas of others' areas.
    pub(crate) replicas: Replicas,
    /// The time that frames are stamped with.
    pub(crate) time: Arc<BrokerTime>,
    /// The frames on their way into the log.
    pub(crate) appends: Appends,
    /// What this worker owns has changed: announce it.
    pub(crate) changed: Notify,
}

impl Shared {
    /// Starts the tick threads.
    pub(crate) fn new(config: Config, log: EventLog) -> std::io::Result<Self> {
        let name = config.name.clone();
        let time = Arc::new(BrokerTime::default());
        Ok(Self {
            me: name.unwrap_or_else(|| format!("worker-{}", Claim(ambient::random()))),
            life: UnixMillis::now().0 << 16 | u64::from(ambient::random::<u16>()),
            log,
            ticks: TickThreads::start(config.tick_threads, &time)?,
            peers: Peers::new(config.suspect_after.duration()),
            streams: KnownStreams::default(),
            claims: Semaphore::new(CLAIMS_AT_ONCE),
            replicas: Replicas::new(config.replicas),
            time,
            appends: Appends::default(),
            changed: Notify::new(),
            config,
        })
    }

    /// Waits while this worker's own ticks are late: it has more than it can carry already.
    pub(crate) async fn until_on_time(&self) {
        while self.ticks.lateness() >= self.config.late_after.duration() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
