//! A wall clock that jumps, there and back.
//!
//! Only the binary under test has a clock that can be set: it adds to the time what a file says.

use async_trait::async_trait;

use crate::faults::catalogue::{Card, Fault, Hits};
use crate::faults::ground::Ground;

/// A worker's clock is wrong for a while: half a minute ahead, then half a minute behind, by turns.
#[derive(Debug)]
pub struct ClockJump;

#[async_trait]
impl Fault for ClockJump {
    fn card(&self) -> Card {
        Card::new(
            "clock-jump",
            "a worker's wall clock jumps half a minute ahead, or behind, and back",
            Hits::Worker,
            (500, 4000),
        )
    }
    // A worker that stamped frames with its own clock would, half a minute ahead, let all commands expire, and its successors
    // would until that time has come, for a frame's time never goes back.
    async fn strike(&self, ground: &mut Ground, target: &str) -> anyhow::Result<()> {
        // Which way follows from whom it hits, so that a schedule says it all.
        let ahead = target.bytes().map(u32::from).sum::<u32>().is_multiple_of(2);
        let by = if ahead { "30000" } else { "-30000" };
        Ok(std::fs::write(ground.stack.clock_file(target), by)?)
    }
    async fn heal(&self, ground: &mut Ground, target: &str) -> anyhow::Result<()> {
        Ok(std::fs::write(ground.stack.clock_file(target), "0")?)
    }
}
