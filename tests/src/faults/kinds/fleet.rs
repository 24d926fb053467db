//! Orderly leaving, in the middle of everything.

use async_trait::async_trait;

use crate::faults::catalogue::{Card, Fault, Hits};
use crate::faults::ground::Ground;

/// SIGTERM: it hands over what it has and ends; a supervisor starts it again.
#[derive(Debug)]
pub struct Terminate(Card);

impl Terminate {
    const LASTS: (u64, u64) = (500, 3000);

    /// A worker.
    pub const WORKER: Self = Self(
        Card::of_a_process(
            "worker-term",
            "SIGTERM to a worker: a drain",
            Hits::Worker,
            Self::LASTS,
        )
        .orderly(),
    );
    /// An edge.
    pub const EDGE: Self = Self(Card::of_a_process(
        "edge-term",
        "SIGTERM to an edge: its players are sent to another",
        Hits::Edge,
        Self::LASTS,
    ));
}

#[async_trait]
impl Fault for Terminate {
    fn card(&self) -> Card {
        self.0
    }
    async fn strike(&self, ground: &mut Ground, target: &str) -> anyhow::Result<()> {
        if ground.stack.role(target).is_running() {
            ground.stack.role(target).terminate()?;
            ground.is_leaving(target);
        }
        Ok(())
    }
    async fn heal(&self, ground: &mut Ground, target: &str) -> anyhow::Result<()> {
        ground.replace(target).await
    }
}

/// `worldline worker drain`: as SIGTERM, by an operator's order in the log.
#[derive(Debug)]
pub struct Drain;

#[async_trait]
impl Fault for Drain {
    fn card(&self) -> Card {
        Card::new(
            "worker-drain",
            "`worldline worker drain`: an operator's order in the log",
            Hits::Worker,
            (500, 3000),
        )
        .orderly()
    }
    async fn strike(&self, ground: &mut Ground, target: &str) -> anyhow::Result<()> {
        if ground.stack.role(target).is_running() {
            ground.stack.tool(&["worker", "drain", target]).await?;
            ground.is_leaving(target);
        }
        Ok(())
    }
    async fn heal(&self, ground: &mut Ground, target: &str) -> anyhow::Result<()> {
        ground.replace(target).await
    }
}

/// All workers, one after the other: what an upgrade does.
#[derive(Debug)]
pub struct RollingRestart;

#[async_trait]
impl Fault for RollingRestart {
    fn card(&self) -> Card {
        Card::new(
            "rolling-restart",
            "all workers are restarted in order, one after the other",
            Hits::AllWorkers,
            (100, 100),
        )
        .orderly()
    }
    async fn strike(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        for worker in ground.layout.worker_names() {
            if ground.stack.role(&worker).is_running() {
                ground.stack.role(&worker).terminate()?;
                ground.is_leaving(&worker);
                ground.replace(&worker).await?;
            }
        }
        Ok(())
    }
    async fn heal(&self, _: &mut Ground, _: &str) -> anyhow::Result<()> {
        Ok(())
    }
}
