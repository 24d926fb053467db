//! `kill -9` of an edge: its players go on on another, with everything said and done counted once.

use worldline_tests::checks::all_is_well;
use worldline_tests::{Player, View};

use super::{goes_on, load, nobody_lost_anything};
use crate::stack;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn players_of_a_killed_edge_resume_on_another() -> anyhow::Result<()> {
    let mut stack = stack(&["w1", "w2"]).await?;
    stack.start_edge("edge-2", &[]).await?;
    let mut ann = stack.player("Ann").await?;
    let mut ben = Player::create(stack.edge("edge-2"), "Ben").await?;
    ben.enter().await?;
    tokio::try_join!(ann.go_to("forest-1"), ben.go_to("forest-1"))?;
    ben.until("Ann in view", |view| {
        view.bodies.values().any(|seen| seen.name == "Ann")
    })
    .await?;
    let bots = load(&stack, &["edge-1", "edge-2"], 8).await?;
    goes_on(&bots, 50).await?;

    // Said on an edge that is killed before it can tell that it was heard, or even before it has passed it on.
    ann.say("Did you hear that?")?;
    stack.kill("edge-1").await?;
    ann.until("the broken socket", |view| view.closed.is_some())
        .await
        .ok();
    let seq = ben.say("While you were away")?;
    assert_eq!(ben.outcome(seq).await?, None);
    let other = stack.edge("edge-2").clone();
    ann.resume(&other).await?;
    assert!(ann.view().resumed);
    let from_ben = |view: &View| view.heard.iter().any(|(name, _)| name == "Ben");
    ann.until("what Ben said meanwhile", from_ben).await?;
    ben.until("what Ann said before", |view| {
        view.heard.iter().any(|(name, _)| name == "Ann")
    })
    .await?;
    let seq = ann.hold(2)?;
    assert_eq!(ann.outcome(seq).await?, None);
    ann.settled().await?;
    ben.settled().await?;
    let heard = |player: &Player, who: &str| {
        player
            .view()
            .heard
            .iter()
            .filter(|(name, _)| name == who)
            .count()
    };
    assert_eq!(
        (heard(&ann, "Ben"), heard(&ben, "Ann")),
        (1, 1),
        "each line once"
    );

    goes_on(&bots, 200).await?;
    let report = bots.finish().await?;
    nobody_lost_anything(&report);
    assert!(report.resumes >= 4, "half of the bots were on it: {report}");

    // In the middle of a door, on a new edge, killed again: the repeated commands meet the character behind it.
    stack.start_edge("edge-3", &[]).await?;
    let third = stack.edge("edge-3").clone();
    ann.pull_the_cable();
    ann.resume(&third).await?;
    let seq = ann.knock("harbor-1").await?;
    stack.kill("edge-3").await?;
    ann.until("the broken socket", |view| view.closed.is_some())
        .await
        .ok();
    ann.resume(&other).await?;
    let decided = |view: &View| view.area == "harbor-1" || view.reason(seq).is_some();
    ann.until("the door's answer", decided).await?;
    ann.go_to("harbor-1").await?;
    let seq = ann.hold(1)?;
    assert_eq!(ann.outcome(seq).await?, None);
    ann.leave().await?;
    ben.leave().await?;
    assert!(ann.view().broken.is_empty(), "{:?}", ann.view().broken);
    all_is_well(&stack).await
}
