//! Everything that is not on the way from a key press to a screen may be away: play goes on.

use worldline_tests::checks::all_is_well;

use crate::stack;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn play_goes_on_without_director_identity_lobby_projector_and_database() -> anyhow::Result<()>
{
    let mut stack = stack(&["w1"]).await?;
    let mut ann = stack.player("Ann").await?;
    for role in ["director", "identity", "lobby", "projector"] {
        stack.kill(role).await?;
    }
    stack.postgres.kill()?;
    for bits in [1, 2, 0] {
        let seq = ann.hold(bits)?;
        assert_eq!(ann.outcome(seq).await?, None);
    }
    // Asked while nobody answers; handled once when somebody does.
    ann.leave().await?;
    stack.postgres.restart().await?;
    for role in ["director", "identity", "lobby", "projector"] {
        stack.start_role(role, &[role], &[])?;
    }
    ann.enter().await?;
    let mut ben = stack.player("Ben").await?;
    ann.leave().await?;
    ben.leave().await?;
    all_is_well(&stack).await
}
