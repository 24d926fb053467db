//! A login holds on every edge, and so does its end.

use serde_json::Value;
use worldline_tests::checks::all_is_well;
use worldline_tests::{Account, eventually};

use super::code;
use crate::stack;

const PASSWORD: &str = "correct horse battery staple";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_goes_on_on_any_edge_until_it_is_ended_on_one() -> anyhow::Result<()> {
    let mut stack = stack(&["w1"]).await?;
    stack.start_edge("edge-2", &[]).await?;
    let there = stack.edge("edge-2").clone();
    let ann = Account::register(stack.edge("edge-1"), "Ann", PASSWORD).await?;
    let character = ann.create_character("Anna").await?;

    let mut elsewhere = Account {
        edge: there.clone(),
        ..ann.clone()
    };
    elsewhere.refresh().await?;
    let mut player = elsewhere.player(&there, &character);
    player.enter().await?;

    // Logged out on the first edge: the socket on the second is closed, its token refused.
    let (status, answer) = ann.ask("POST", "/v1/logout", &Value::Null).await?;
    assert!((200..300).contains(&status), "{status} {answer}");
    eventually("the socket is closed", || async {
        Ok(player.view().closed.is_some())
    })
    .await?;
    eventually("the access token is refused", || async {
        Ok(elsewhere.ask("GET", "/v1/account", &Value::Null).await?.0 == 401)
    })
    .await?;
    assert_eq!(code(elsewhere.refresh().await), "session_unknown");
    all_is_well(&stack).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_that_comes_again_ends_its_session() -> anyhow::Result<()> {
    let stack = stack(&["w1"]).await?;
    let edge = stack.edge("edge-1").clone();
    let mut ann = Account::register(&edge, "Ann", PASSWORD).await?;
    let mut thief = ann.clone();
    ann.refresh().await?;
    ann.refresh().await?;
    // Two generations old: nobody has a reason to hold it any more.
    assert_eq!(code(thief.refresh().await), "session_reused");
    assert_eq!(code(ann.refresh().await), "session_unknown");
    all_is_well(&stack).await
}
