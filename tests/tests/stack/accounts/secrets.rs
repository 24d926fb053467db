//! No secret stands anywhere: not in a stream, not in a bucket, not in a log, not in a row.

use bots::login;
use serde_json::{Value, json};
use worldline_tests::checks::all_is_well;
use worldline_tests::secrets::{IN_THE_CLEAR, Secrets};
use worldline_tests::{Account, eventually};

use super::code;
use crate::stack;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_logins_of_every_kind_nothing_readable_is_left() -> anyhow::Result<()> {
    let mut stack = stack(&["w1"]).await?;
    let edge = stack.edge("edge-1").clone();
    let mut secrets = Secrets::default();
    let mut keep = |what, secret: &str| secrets.keep(what, secret);

    let (first, second, wrong) = (
        "correct horse battery staple",
        "wandering albatross 1847",
        "not the password of anybody",
    );
    keep("the password", first);
    keep("the next password", second);
    keep("a wrong password", wrong);
    keep("the login name", "Wilhelmina");
    let mut ann = Account::register(&edge, "Wilhelmina", first).await?;
    keep("the first refresh token", &ann.tokens.refresh_token);
    keep("the first access token", &ann.tokens.access_token);
    ann.refresh().await?;
    keep("the second refresh token", &ann.tokens.refresh_token);
    let refused = code(Account::log_in(&edge, "Wilhelmina", wrong).await);
    assert_eq!(refused, "bad_login");
    let change = json!({ "old": first, "new": second });
    let (status, answer) = ann.ask("POST", "/v1/password", &change).await?;
    assert!((200..300).contains(&status), "{status} {answer}");
    let ann = Account::log_in(&edge, "Wilhelmina", second).await?;
    keep("the last refresh token", &ann.tokens.refresh_token);

    let guest = login::new_guest(&edge, "Ferdinand").await?;
    keep("the guest's token", &guest.guest_token);
    let character = ann.create_character("Wilma").await?;
    let ticket = ann.ticket(&character).await?;
    keep("a join ticket", &ticket.ticket);
    let mut player = ann.player(&edge, &character);
    player.enter().await?;
    player.leave().await?;
    let (status, _) = ann.ask("POST", "/v1/logout", &Value::Null).await?;
    assert!((200..300).contains(&status));
    all_is_well(&stack).await?;

    // The rows as they can be read, and everything the processes have said.
    let rows = stack.tool(&["projector", "dump"]).await?;
    eventually("the names of areas are in the rows", || async {
        Ok(stack
            .tool(&["projector", "dump"])
            .await?
            .contains(IN_THE_CLEAR))
    })
    .await?;
    secrets.search("the rows", rows.as_bytes());
    for role in ["identity", "lobby", "edge-1", "projector", "w1"] {
        stack.kill(role).await?;
    }
    secrets.search_below(&stack.data_dir().join("log"))?;
    // Streams and buckets as they lie on the disk, what was deleted included.
    stack.broker.kill()?;
    let read = secrets.search_below(stack.broker.store_dir())?;
    assert!(read > 0, "nothing was searched");
    stack.is_well();
    Ok(())
}
