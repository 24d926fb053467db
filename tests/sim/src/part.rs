//! One process of the realm: started, harmed, ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ambient::simulation::Process;
use eventlog::EventLog;
use eventlog::simulation::{Link, Network, Weather};
use runtime::{Ctx, Shutdown, Span};

use crate::gate::{self, Play};
use crate::schedule::Role;

/// Signs the simulated realm's tickets, which admit nobody anywhere else.
const SIGNING_KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
const SECRET: &str = "a secret of the simulated realm, which keeps nothing";
/// Areas that there are from the beginning.
const AREAS: [&str; 2] = ["harbor-1", "forest-1"];

/// A process that was started.
pub(crate) struct Part {
    pub(crate) process: Process,
    pub(crate) link: Link,
    pub(crate) shutdown: Shutdown,
    ended: Arc<AtomicBool>,
}

/// The weather on a good day: what networks do.
pub(crate) fn fair() -> Weather {
    Weather {
        spikes: 0.001,
        spike: Duration::from_millis(5)..Duration::from_millis(60),
        ..Weather::fair()
    }
}

/// Bad weather.
pub(crate) fn storm() -> Weather {
    Weather {
        latency: Duration::from_micros(300)..Duration::from_millis(20),
        spikes: 0.03,
        spike: Duration::from_millis(20)..Duration::from_millis(900),
        lost_requests: 0.05,
        lost_answers: 0.08,
        lost_messages: 0.05,
        in_flight: 0.05,
    }
}

impl Part {
    /// Starts the process that does `role`.
    pub(crate) fn start(
        role: Role,
        network: &Network,
        seed: u64,
        wall: Duration,
        play: &Arc<Play>,
    ) -> Self {
        let process = Process::new(role.to_string(), seed, wall);
        let (log, link) = network.connect(process.draw(), fair());
        let shutdown = Shutdown::new();
        let ended = Arc::new(AtomicBool::new(false));
        let ctx = Ctx::new(shutdown.clone());
        let (over, play) = (Arc::clone(&ended), Arc::clone(play));
        let life = process.run(async move {
            if let Err(error) = live(role, log, ctx, play).await {
                tracing::warn!(%role, error = format!("{error:#}"), "a process ends by an error");
            }
            over.store(true, Ordering::Relaxed);
        });
        drop(tokio::spawn(life));
        Self {
            process,
            link,
            shutdown,
            ended,
        }
    }

    /// As `kill -9` does.
    pub(crate) fn kill(&self) {
        self.link.close();
        self.process.kill();
    }

    /// Whether nothing runs there.
    pub(crate) fn is_over(&self) -> bool {
        self.process.is_killed() || self.ended.load(Ordering::Relaxed)
    }
}

async fn live(role: Role, log: EventLog, ctx: Ctx, play: Arc<Play>) -> anyhow::Result<()> {
    match role {
        Role::Worker(_) => Box::pin(area_worker::run(worker(role), log, ctx)).await,
        Role::Director(_) => Box::pin(director::run(director(), log, ctx)).await,
        Role::Lobby(_) => Box::pin(lobby::run(lobby(), log, ctx)).await,
        Role::Gate => gate::run(log, ctx, play).await,
    }
}

fn worker(role: Role) -> area_worker::Config {
    area_worker::Config {
        name: Some(role.to_string()),
        tick_threads: 1,
        sleep_after: Span::from_millis(1_500),
        // Small, so that restoring is from a snapshot and from the whole log in turn.
        snapshot_frames: 120,
        ..area_worker::Config::default()
    }
}

fn director() -> director::Config {
    director::Config {
        areas: AREAS.map(str::to_owned).to_vec(),
        ..director::Config::default()
    }
}

fn lobby() -> lobby::Config {
    lobby::Config {
        secret: SECRET.to_owned().into(),
        signing_key: SIGNING_KEY.to_owned().into(),
        start_spawn: "from-forest".to_owned(),
        ..lobby::Config::default()
    }
}
