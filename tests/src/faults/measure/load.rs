//! Bots that make the load while something is measured.

use bots::{Args, Report, Running};

use crate::faults::ground::Ground;
use crate::{PATIENCE, eventually};

/// Bots at play.
pub(super) struct Load(Running);

impl Load {
    /// Lets so many play on all edges; each changes areas about every `doors` seconds, 0: never.
    pub(super) async fn begin(ground: &Ground, bots: u32, doors: u64) -> anyhow::Result<Self> {
        let edges = ground.edges();
        let mut running = bots::start(Args {
            url: edges
                .iter()
                .map(|edge| format!("http://{}", edge.authority()))
                .collect(),
            players: bots,
            seconds: 0,
            doors,
            ..Args::default()
        })?;
        tokio::time::timeout(PATIENCE * 2, running.playing()).await?;
        Ok(Self(running))
    }

    /// Waits until they have had so many more answers.
    pub(super) async fn goes_on(&self, answers: u64) -> anyhow::Result<()> {
        let wanted = self.0.answered() + answers;
        eventually("the bots are answered", || async {
            Ok(self.0.answered() >= wanted)
        })
        .await
    }

    pub(super) fn area_changes(&self) -> u64 {
        self.0.area_changes()
    }

    /// They leave; how they were served.
    pub(super) async fn end(self) -> anyhow::Result<Report> {
        self.0.finish().await
    }
}
