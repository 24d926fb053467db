//! An area that was given up stands still until an operator lets it back, and then goes on.

use anyhow::Context;
use schemas::control::Placement;
use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::{AreaId, decode, encode};
use worldline_tests::checks::all_is_well;
use worldline_tests::{Stack, eventually};

use crate::stack;

async fn placement(stack: &Stack, area: &AreaId) -> anyhow::Result<Option<Placement>> {
    let placements = stack.log("replay").await?.bucket("placements").await?;
    let entry = placements.get(area.as_str()).await?;
    let value = entry.and_then(|entry| entry.value);
    Ok(value.map(|value| decode(&value)).transpose()?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_lets_an_area_back_and_its_players_go_on() -> anyhow::Result<()> {
    let stack = stack(&["w1"]).await?;
    let harbor = AreaId::new("harbor-1")?;
    let mut ann = stack.player("Ann").await?;
    assert!(
        stack
            .tool(&["director", "readmit", "harbor-1"])
            .await
            .is_err(),
        "there is nothing to let back"
    );

    // As the director marks it when its rules keep breaking.
    let placed = placement(&stack, &harbor).await?.context("it is placed")?;
    let given_up = Placement {
        worker: None,
        generation: placed.generation + 1,
        quarantined: true,
        successor: None,
        ..placed
    };
    let placements = stack.log("director").await?.bucket("placements").await?;
    placements.put("harbor-1", encode(&given_up).into()).await?;
    let log = stack.log("replay").await?;
    let events = schemas::subjects::area_events(&harbor);
    eventually("the area is let go", || async {
        let last = log.last(&events).await?.context("it has frames")?;
        let frame: Frame = decode(&last.payload)?;
        let is_release = |fact: &Fact| matches!(fact, Fact::Released { .. });
        Ok(frame.facts.iter().any(is_release))
    })
    .await?;
    let seq = ann.hold(2)?;

    let said = stack.tool(&["director", "readmit", "harbor-1"]).await?;
    assert!(said.contains("will be placed again"), "{said}");
    ann.outcome(seq).await?;
    let placed = placement(&stack, &harbor).await?.context("it is placed")?;
    assert_eq!(
        (placed.worker.as_deref(), placed.quarantined),
        (Some("w1"), false)
    );
    ann.leave().await?;
    all_is_well(&stack).await
}
