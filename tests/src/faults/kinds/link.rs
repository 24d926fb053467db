//! The network between one role and the broker: cut, silent, deaf, late.

use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;

use crate::faults::catalogue::{Card, Fault, Hits};
use crate::faults::ground::Ground;
use crate::proxy::Wire;

/// How the wire breaks.
#[derive(Debug, Clone, Copy)]
enum How {
    /// Connections break and none can be made.
    Cut,
    /// Connections stay, nothing passes, and what was on its way passes afterwards.
    Silent,
    /// What it sends arrives, the answers never do: at the end its connections break.
    Deaf,
    /// What it sends is swallowed and nothing is answered: at the end its connections break.
    Hole,
    /// Everything takes this many ms longer each way.
    Late(u64),
}

/// A fault of one role's wire to the broker.
#[derive(Debug)]
pub struct Link {
    card: Card,
    how: How,
}

impl Link {
    const fn of(name: &'static str, about: &'static str, hits: Hits, how: How) -> Self {
        let lasts = match how {
            How::Late(_) => (2000, 5000),
            // Longer than anybody waits for one answer.
            How::Hole => (2300, 4500),
            How::Cut | How::Silent | How::Deaf => (400, 4000),
        };
        Self {
            card: Card::new(name, about, hits, lasts),
            how,
        }
    }

    /// A worker without a network.
    pub const WORKER_CUT: Self = Self::of(
        "worker-cut",
        "a worker loses the broker",
        Hits::Worker,
        How::Cut,
    );
    /// A worker behind a wire that carries nothing for a while.
    pub const WORKER_SILENT: Self = Self::of(
        "worker-silent",
        "nothing passes between a worker and the broker",
        Hits::Worker,
        How::Silent,
    );
    /// A worker whose frames are stored and whose acknowledgements are lost.
    pub const WORKER_DEAF: Self = Self::of(
        "worker-deaf",
        "a worker's frames arrive, their acks are lost",
        Hits::Worker,
        How::Deaf,
    );
    /// A worker whose frames are lost on the way.
    pub const WORKER_HOLE: Self = Self::of(
        "worker-hole",
        "what a worker sends is swallowed, then its connections break",
        Hits::Worker,
        How::Hole,
    );
    /// An edge whose groups are lost on the way.
    pub const EDGE_HOLE: Self = Self::of(
        "edge-hole",
        "what an edge sends is swallowed, then its connections break",
        Hits::Edge,
        How::Hole,
    );
    /// A worker far away.
    pub const WORKER_LATE: Self = Self::of(
        "worker-late",
        "a worker's wire takes 80 ms each way",
        Hits::Worker,
        How::Late(80),
    );
    /// An edge without a network.
    pub const EDGE_CUT: Self =
        Self::of("edge-cut", "an edge loses the broker", Hits::Edge, How::Cut);
    /// An edge behind a wire that carries nothing for a while.
    pub const EDGE_SILENT: Self = Self::of(
        "edge-silent",
        "nothing passes between an edge and the broker",
        Hits::Edge,
        How::Silent,
    );
    /// An edge whose groups are stored and whose acknowledgements are lost.
    pub const EDGE_DEAF: Self = Self::of(
        "edge-deaf",
        "an edge's groups arrive, their acks are lost",
        Hits::Edge,
        How::Deaf,
    );
    /// An edge far away.
    pub const EDGE_LATE: Self = Self::of(
        "edge-late",
        "an edge's wire takes 80 ms each way",
        Hits::Edge,
        How::Late(80),
    );
    /// A director without a network.
    pub const DIRECTOR_CUT: Self = Self::of(
        "director-cut",
        "a director loses the broker",
        Hits::Director,
        How::Cut,
    );
    /// A lobby without a network.
    pub const LOBBY_CUT: Self = Self::of(
        "lobby-cut",
        "the lobby loses the broker",
        Hits::Lobby,
        How::Cut,
    );
    /// A lobby whose events are stored and whose acknowledgements are lost.
    pub const LOBBY_DEAF: Self = Self::of(
        "lobby-deaf",
        "the lobby's events arrive, their acks are lost",
        Hits::Lobby,
        How::Deaf,
    );
    /// An identity service without a network.
    pub const IDENTITY_CUT: Self = Self::of(
        "identity-cut",
        "identity loses the broker",
        Hits::Identity,
        How::Cut,
    );
    /// A projector without a network.
    pub const PROJECTOR_CUT: Self = Self::of(
        "projector-cut",
        "the projector loses the broker",
        Hits::Projector,
        How::Cut,
    );
    /// A projector that hears nothing.
    pub const PROJECTOR_DEAF: Self = Self::of(
        "projector-deaf",
        "the projector hears nothing",
        Hits::Projector,
        How::Deaf,
    );
}

#[async_trait]
impl Fault for Link {
    fn card(&self) -> Card {
        self.card
    }
    async fn strike(&self, ground: &mut Ground, target: &str) -> anyhow::Result<()> {
        let wire = match self.how {
            How::Cut => Wire::CUT,
            How::Silent | How::Hole => Wire::SILENT,
            How::Deaf => Wire::DEAF,
            How::Late(by) => Wire::late(Duration::from_millis(by)),
        };
        let proxy = ground.stack.wire(target).context("it has no wire")?;
        proxy.set(wire);
        Ok(())
    }
    async fn heal(&self, ground: &mut Ground, target: &str) -> anyhow::Result<()> {
        let proxy = ground.stack.wire(target).context("it has no wire")?;
        if matches!(self.how, How::Deaf | How::Hole) {
            // What was not carried by now never is.
            proxy.cut().await?;
        }
        proxy.set(Wire::default());
        // Whoever gave up without the broker is started again by its supervisor.
        ground.revive(target)
    }
}
