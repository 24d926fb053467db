//! Orderly leaving, in the middle of everything.

use async_trait::async_trait;

use crate::faults::catalogue::{Fault, Hits, Sockets};
use crate::faults::ground::Ground;

/// SIGTERM: it hands over what it has and ends; a supervisor starts it again.
#[derive(Debug)]
pub struct Terminate {
    name: &'static str,
    about: &'static str,
    hits: Hits,
}

impl Terminate {
    /// A worker.
    pub const WORKER: Self = Self {
        name: "worker-term",
        about: "SIGTERM to a worker: a drain",
        hits: Hits::Worker,
    };
    /// An edge.
    pub const EDGE: Self = Self {
        name: "edge-term",
        about: "SIGTERM to an edge: its players are sent to another",
        hits: Hits::Edge,
    };
}

#[async_trait]
impl Fault for Terminate {
    fn name(&self) -> &'static str {
        self.name
    }
    fn about(&self) -> &'static str {
        self.about
    }
    fn hits(&self) -> Hits {
        self.hits
    }
    fn lasts(&self) -> (u64, u64) {
        (500, 3000)
    }
    fn sockets(&self) -> Sockets {
        if self.hits == Hits::Edge {
            Sockets::OfTarget
        } else {
            Sockets::Stay
        }
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
    fn name(&self) -> &'static str {
        "worker-drain"
    }
    fn about(&self) -> &'static str {
        "`worldline worker drain`: an operator's order in the log"
    }
    fn hits(&self) -> Hits {
        Hits::Worker
    }
    fn lasts(&self) -> (u64, u64) {
        (500, 3000)
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
    fn name(&self) -> &'static str {
        "rolling-restart"
    }
    fn about(&self) -> &'static str {
        "all workers are restarted in order, one after the other"
    }
    fn hits(&self) -> Hits {
        Hits::AllWorkers
    }
    fn lasts(&self) -> (u64, u64) {
        (100, 100)
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
