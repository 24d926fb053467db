//! Three brokers: the one that leads the areas' events dies, stands still, is told to leave, or gives up its lead.
//!
//! Only when named: a run of these has a cluster in the place of the one broker, and no wires that could be cut.

use anyhow::Context;
use async_trait::async_trait;
use schemas::subjects::AREA_EVENTS;

use crate::faults::catalogue::{Card, Fault, Hits};
use crate::faults::ground::Ground;

#[derive(Debug, Clone, Copy)]
enum How {
    Dies,
    Stands,
    Leaves,
    StepsDown,
}

/// A fault of the node that leads the stream of the areas' events.
#[derive(Debug)]
pub struct Leader {
    card: Card,
    how: How,
}

impl Leader {
    const fn of(name: &'static str, about: &'static str, how: How) -> Self {
        let card = Card::new(name, about, Hits::Cluster, (1000, 4000)).when_named();
        Self { card, how }
    }

    /// `kill -9`.
    pub const KILL: Self = Self::of(
        "leader-kill",
        "of three brokers the leader is killed",
        How::Dies,
    );
    /// SIGSTOP.
    pub const PAUSE: Self = Self::of(
        "leader-pause",
        "of three brokers the leader stands still",
        How::Stands,
    );
    /// Lame duck: it sends its clients away, one after the other, and ends.
    pub const LAME_DUCK: Self = Self::of(
        "leader-lame-duck",
        "of three brokers the leader is told to leave",
        How::Leaves,
    );
    /// Another one leads from now on.
    pub const STEP_DOWN: Self = Self::of(
        "leader-step-down",
        "of three brokers the leader gives up its lead",
        How::StepsDown,
    );
}

#[async_trait]
impl Fault for Leader {
    fn card(&self) -> Card {
        self.card
    }
    async fn strike(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        let cluster = ground.stack.cluster.as_mut().context("one broker only")?;
        let leader = cluster.elected(AREA_EVENTS).await?;
        match self.how {
            How::Dies => cluster.node(leader).kill()?,
            How::Stands => cluster.node(leader).pause()?,
            How::Leaves => cluster.node(leader).lame_duck()?,
            How::StepsDown => drop(cluster.step_down(AREA_EVENTS).await?),
        }
        ground.struck_node = Some(leader);
        Ok(())
    }
    async fn heal(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        let cluster = ground.stack.cluster.as_mut().context("one broker only")?;
        let struck = ground.struck_node.take().context("nothing was struck")?;
        match self.how {
            How::Dies | How::Leaves => cluster.node(struck).restart().await?,
            How::Stands => cluster.node(struck).resume()?,
            How::StepsDown => {}
        }
        // A second one may fail only when all three are whole again.
        Ok(cluster.ready().await?)
    }
}
