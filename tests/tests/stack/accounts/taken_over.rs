//! One character, two edges: whoever comes last holds it, and the other is told.

use schemas::wire::CloseCode;
use worldline_tests::checks::all_is_well;
use worldline_tests::{Account, eventually};

use super::code;
use crate::stack;

const PASSWORD: &str = "correct horse battery staple";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_logins_at_once_on_two_edges_one_plays() -> anyhow::Result<()> {
    let mut stack = stack(&["w1"]).await?;
    stack.start_edge("edge-2", &[]).await?;
    let (here, there) = (stack.edge("edge-1").clone(), stack.edge("edge-2").clone());
    let ann = Account::register(&here, "Ann", PASSWORD).await?;
    let again = Account::log_in(&there, "Ann", PASSWORD).await?;
    let character = ann.create_character("Anna").await?;

    // Each with a ticket of its own: the newer ticket is the one that counts, whoever uses it.
    let (mut first, mut second) = (
        ann.player(&here, &character),
        again.player(&there, &character),
    );
    let (one, other) = tokio::join!(first.enter(), second.enter());
    assert!(
        one.is_ok() || other.is_ok(),
        "nobody came in: {one:?} {other:?}"
    );
    // And now for certain one after the other.
    first.enter().await?;
    second.enter().await?;
    let replaced = Some(CloseCode::Replaced as u16);
    eventually("the older socket is closed", || async {
        Ok(first.view().closed == replaced)
    })
    .await?;
    assert!(first.hold(1).is_err(), "the older one commands nothing");
    let seq = second.hold(2)?;
    assert_eq!(second.outcome(seq).await?, None);
    second.leave().await?;
    all_is_well(&stack).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_lets_in_once_and_nobody_else() -> anyhow::Result<()> {
    let stack = stack(&["w1"]).await?;
    let edge = stack.edge("edge-1").clone();
    let ann = Account::register(&edge, "Ann", PASSWORD).await?;
    let ben = Account::register(&edge, "Ben", PASSWORD).await?;
    let character = ann.create_character("Anna").await?;
    assert_eq!(code(ben.ticket(&character).await), "not_yours");
    let mut player = ann.player(&edge, &character);
    player.enter().await?;
    player.leave().await?;
    all_is_well(&stack).await
}
