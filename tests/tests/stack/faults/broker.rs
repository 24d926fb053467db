//! The broker is killed and restarted under load: the world pauses and goes on.

use worldline_tests::checks::{all_is_well, reigns};

use super::{goes_on, load, nobody_lost_anything};
use crate::stack;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_world_outlives_a_broker_that_is_killed() -> anyhow::Result<()> {
    let mut stack = stack(&["w1", "w2"]).await?;
    let bots = load(&stack, &["edge-1"], 8).await?;
    goes_on(&bots, 100).await?;
    for _ in 0..2 {
        stack.broker.kill()?;
        stack.broker.restart().await?;
        goes_on(&bots, 200).await?;
    }
    // In order, too: as an operator would.
    stack.broker.stop().await?;
    stack.broker.restart().await?;
    goes_on(&bots, 200).await?;
    let report = bots.finish().await?;
    nobody_lost_anything(&report);
    all_is_well(&stack).await?;
    reigns(&stack, "harbor-1").await.map(drop)
}
