//! `kill -9` in the middle of walking through a door, at each step: the character is in exactly one place.

use worldline_tests::checks::{all_is_well, log_is_whole, place_of, reigns};
use worldline_tests::eventually;

use crate::stack;

/// Where a worker that owns both sides of the door dies: on the side that is left, then on the side that is entered.
const STEPS: [&str; 9] = [
    "before_append@departed",
    "after_append_before_ack@departed",
    "after_ack_before_effects@departed",
    "after_effects_before_confirmations@departed",
    "before_append@arrived",
    "after_append_before_ack@arrived",
    "after_ack_before_effects@arrived",
    "after_effects_before_confirmations@arrived",
    "after_append_before_ack@effects_confirmed",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_walks_through_a_door_is_in_exactly_one_place_wherever_the_worker_dies()
-> anyhow::Result<()> {
    let mut stack = stack(&["w0"]).await?;
    let mut ann = stack.player("Ann").await?;
    let mut ben = stack.player("Ben").await?;
    ann.go_to("forest-1").await?;
    let mut worker = "w0".to_owned();
    let mut here = "forest-1";
    for (number, step) in STEPS.into_iter().enumerate() {
        let there = if here == "forest-1" {
            "harbor-1"
        } else {
            "forest-1"
        };
        // The last crossing is over on both sides, and the successor owns both areas, before it is led into its trap.
        log_is_whole(&stack)
            .await
            .map_err(|error| error.context(step))?;
        stack.kill(&worker).await?;
        worker = format!("w{}", number + 1);
        stack.start_worker(&worker, Some(step))?;
        let seq = ann.hold(0)?;
        ann.outcome(seq)
            .await
            .map_err(|error| error.context(step))?;

        let successor = format!("after-{number}");
        let dies = async {
            let status = stack.role(&worker).ended().await?;
            anyhow::ensure!(!status.success(), "{worker} ended with {status}");
            stack.start_worker(&successor, None)
        };
        tokio::try_join!(ann.go_to(there), dies).map_err(|error| error.context(step))?;
        worker = successor;
        let seq = ann.hold(1)?;
        assert_eq!(ann.outcome(seq).await?, None, "{step}");
        let seq = ann.hold(0)?;
        assert_eq!(ann.outcome(seq).await?, None, "{step}");
        eventually(step, || async {
            Ok(place_of(&stack, &ann.guest.character).await?.as_deref() == Some(there))
        })
        .await?;
        let others = ann.view();
        let selves = others
            .bodies
            .values()
            .filter(|seen| seen.name == "Ann")
            .count();
        assert_eq!(selves, 1, "{step}");
        here = there;
    }
    // Who stood by has lost nothing either.
    let seq = ben.hold(2)?;
    assert_eq!(ben.outcome(seq).await?, None);
    ann.leave().await?;
    ben.leave().await?;
    assert!(ann.view().broken.is_empty(), "{:?}", ann.view().broken);
    all_is_well(&stack).await?;
    for area in ["harbor-1", "forest-1"] {
        reigns(&stack, area).await?;
    }
    Ok(())
}
