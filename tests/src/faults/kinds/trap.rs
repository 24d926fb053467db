//! A worker that dies at the worst place: after its frame is stored, before it knows, with somebody on the way.

use async_trait::async_trait;

use crate::faults::catalogue::{Card, Fault, Hits};
use crate::faults::ground::Ground;

/// The worker is restarted with a crash point before it, and started again when it has died there.
#[derive(Debug)]
pub struct Trap;

#[async_trait]
impl Fault for Trap {
    fn card(&self) -> Card {
        Card::new(
            "worker-trap",
            "a worker dies between a departure's frame and its ack",
            Hits::Worker,
            (2500, 6000),
        )
    }
    async fn strike(&self, ground: &mut Ground, target: &str) -> anyhow::Result<()> {
        ground.stack.kill(target).await?;
        let trap = ("WORLDLINE_CRASH_AT", "after_append_before_ack@departed");
        ground.stack.start_again_with(target, &[trap])
    }
    async fn heal(&self, ground: &mut Ground, target: &str) -> anyhow::Result<()> {
        // Nobody may have left an area of this worker's: then it goes without its trap all the same.
        ground.stack.kill(target).await?;
        ground.revive(target)
    }
}
