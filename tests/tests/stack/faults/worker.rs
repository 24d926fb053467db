//! `kill -9` of workers: at the worst places, and at random.

use std::collections::BTreeSet;

use worldline_tests::checks::{all_is_well, reigns};

use super::{goes_on, load, nobody_lost_anything};
use crate::stack;

const BOTS: u32 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_around_an_append_loses_and_doubles_nothing() -> anyhow::Result<()> {
    let mut stack = stack(&["w0"]).await?;
    let bots = load(&stack, &["edge-1"], BOTS).await?;
    stack.kill("w0").await?;
    let points = [
        "after_append_before_ack:20",
        "before_append:20",
        "after_ownership",
        "after_ack_before_effects:20",
        "after_append_before_ack@spoken",
    ];
    for (number, point) in points.into_iter().enumerate() {
        let name = format!("w{}", number + 1);
        stack.start_worker(&name, Some(point))?;
        let status = stack.role(&name).ended().await?;
        assert!(!status.success(), "{point}: {status}");
    }
    stack.start_worker("last", None)?;
    goes_on(&bots, u64::from(BOTS) * 20).await?;
    let report = bots.finish().await?;
    nobody_lost_anything(&report);
    assert!(report.disconnects.is_empty(), "sockets stay: {report}");
    all_is_well(&stack).await?;

    let mut owners = BTreeSet::new();
    for area in ["harbor-1", "forest-1", "meadow-1"] {
        let reigns = reigns(&stack, area).await?;
        owners.extend(reigns.into_iter().map(|reign| reign.worker));
    }
    for name in ["w0", "w1", "w2", "w3", "w4", "w5", "last"] {
        assert!(
            owners.contains(name),
            "{name} never owned anything: {owners:?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_killed_at_random_under_load_lose_and_double_nothing() -> anyhow::Result<()> {
    const KILLS: usize = 5;
    let seed: u64 = rand::random();
    eprintln!("seed {seed}");
    let mut random = seed;
    let mut draw = |bound: u64| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % bound
    };
    let mut stack = stack(&["r0", "r1"]).await?;
    let mut running = ["r0".to_owned(), "r1".to_owned()];
    let bots = load(&stack, &["edge-1"], BOTS).await?;
    for number in 2..2 + KILLS {
        // Not a while but some answers later; the moment within them is as random as it gets.
        goes_on(&bots, 1 + draw(u64::from(BOTS) * 15)).await?;
        let victim = usize::try_from(draw(2))?;
        stack.kill(&running[victim]).await?;
        running[victim] = format!("r{number}");
        stack.start_worker(&running[victim], None)?;
    }
    goes_on(&bots, u64::from(BOTS) * 20).await?;
    let report = bots.finish().await?;
    nobody_lost_anything(&report);
    assert!(report.disconnects.is_empty(), "sockets stay: {report}");
    all_is_well(&stack).await?;
    reigns(&stack, "harbor-1").await.map(drop)
}
