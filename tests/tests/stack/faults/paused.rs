//! A worker that is stopped past its lease, loses its area, and wakes up believing that it still owns it.

use worldline_tests::checks::{all_is_well, reigns};
use worldline_tests::eventually;

use super::{goes_on, load, nobody_lost_anything};
use crate::stack;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sleeper_that_wakes_is_refused_and_there_is_one_chain() -> anyhow::Result<()> {
    let mut stack = stack(&["w1", "w2"]).await?;
    let bots = load(&stack, &["edge-1"], 8).await?;
    goes_on(&bots, 100).await?;
    for _ in 0..2 {
        let owner = owner_of_harbor(&stack).await?;
        let epochs = reigns(&stack, "harbor-1").await?.len();
        stack.role(&owner).pause()?;
        eventually("the other one has taken over", || async {
            let reigns = reigns(&stack, "harbor-1").await?;
            let last = reigns.last().map(|reign| reign.worker.clone());
            Ok(reigns.len() > epochs && last.as_ref() != Some(&owner))
        })
        .await?;
        goes_on(&bots, 100).await?;
        stack.role(&owner).wake()?;
        // It wakes in the middle of a tick; whatever it still wants to write, the world goes on under the other.
        goes_on(&bots, 200).await?;
        assert!(
            stack.role(&owner).is_running(),
            "a refused worker drops the area and lives"
        );
    }
    let report = bots.finish().await?;
    nobody_lost_anything(&report);
    assert!(report.disconnects.is_empty(), "sockets stay: {report}");
    all_is_well(&stack).await?;
    let reigns = reigns(&stack, "harbor-1").await?;
    assert!(reigns.len() >= 3, "{reigns:?}");
    Ok(())
}

async fn owner_of_harbor(stack: &worldline_tests::Stack) -> anyhow::Result<String> {
    let reigns = reigns(stack, "harbor-1").await?;
    reigns
        .last()
        .map(|reign| reign.worker.clone())
        .ok_or_else(|| anyhow::anyhow!("nobody has owned the harbor"))
}
