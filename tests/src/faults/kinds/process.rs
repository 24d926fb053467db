//! Processes that die or stand still.

use async_trait::async_trait;

use crate::faults::catalogue::{Card, Fault, Hits};
use crate::faults::ground::Ground;

/// `kill -9`; a supervisor starts it again after a while.
#[derive(Debug)]
pub struct Kill(Card);

impl Kill {
    const fn of(name: &'static str, about: &'static str, hits: Hits) -> Self {
        Self(Card::of_a_process(name, about, hits, (100, 2500)))
    }

    /// A worker.
    pub const WORKER: Self = Self::of("worker-kill", "kill -9 of a worker", Hits::Worker);
    /// An edge.
    pub const EDGE: Self = Self::of("edge-kill", "kill -9 of an edge", Hits::Edge);
    /// A director.
    pub const DIRECTOR: Self = Self::of("director-kill", "kill -9 of a director", Hits::Director);
    /// The lobby.
    pub const LOBBY: Self = Self::of("lobby-kill", "kill -9 of the lobby", Hits::Lobby);
    /// The identity service.
    pub const IDENTITY: Self = Self::of("identity-kill", "kill -9 of identity", Hits::Identity);
    /// The projector.
    pub const PROJECTOR: Self = Self::of(
        "projector-kill",
        "kill -9 of the projector",
        Hits::Projector,
    );
}

#[async_trait]
impl Fault for Kill {
    fn card(&self) -> Card {
        self.0
    }
    async fn strike(&self, ground: &mut Ground, target: &str) -> anyhow::Result<()> {
        ground.stack.kill(target).await
    }
    async fn heal(&self, ground: &mut Ground, target: &str) -> anyhow::Result<()> {
        ground.revive(target)
    }
}

/// SIGSTOP, and SIGCONT long after its lease has run out: it wakes believing that it still owns what it owned.
#[derive(Debug)]
pub struct Pause(Card);

impl Pause {
    const fn of(name: &'static str, about: &'static str, hits: Hits) -> Self {
        Self(Card::of_a_process(name, about, hits, (500, 4500)))
    }

    /// A worker.
    pub const WORKER: Self = Self::of("worker-pause", "SIGSTOP of a worker", Hits::Worker);
    /// An edge.
    pub const EDGE: Self = Self::of("edge-pause", "SIGSTOP of an edge", Hits::Edge);
    /// A director.
    pub const DIRECTOR: Self = Self::of("director-pause", "SIGSTOP of a director", Hits::Director);
    /// The lobby.
    pub const LOBBY: Self = Self::of("lobby-pause", "SIGSTOP of the lobby", Hits::Lobby);
    /// The projector.
    pub const PROJECTOR: Self = Self::of(
        "projector-pause",
        "SIGSTOP of the projector",
        Hits::Projector,
    );
}

#[async_trait]
impl Fault for Pause {
    fn card(&self) -> Card {
        self.0
    }
    async fn strike(&self, ground: &mut Ground, target: &str) -> anyhow::Result<()> {
        let role = ground.stack.role(target);
        if role.is_running() {
            role.pause()?;
        }
        Ok(())
    }
    async fn heal(&self, ground: &mut Ground, target: &str) -> anyhow::Result<()> {
        let role = ground.stack.role(target);
        if role.is_running() {
            role.wake()?;
        }
        ground.revive(target)
    }
}
