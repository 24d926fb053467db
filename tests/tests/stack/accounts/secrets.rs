//! No secret stands anywhere: not in a stream, not in a bucket, not in a log, not in a row.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bots::login;
use serde_json::{Value, json};
use worldline_tests::checks::all_is_well;
use worldline_tests::{Account, eventually};

use super::code;
use crate::stack;

/// A word that is in the clear wherever there is anything at all: what is searched can be found.
const IN_THE_CLEAR: &str = "harbor-1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_logins_of_every_kind_nothing_readable_is_left() -> anyhow::Result<()> {
    let mut stack = stack(&["w1"]).await?;
    let edge = stack.edge("edge-1").clone();
    let mut secrets: BTreeMap<&str, String> = BTreeMap::new();
    let mut keep = |what, secret: &str| secrets.insert(what, secret.to_owned());

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
    search("the rows", rows.as_bytes(), &secrets);
    for role in ["identity", "lobby", "edge-1", "projector", "w1"] {
        stack.kill(role).await?;
    }
    search_below(&stack.data_dir().join("log"), &secrets)?;
    // Streams and buckets as they lie on the disk, what was deleted included.
    stack.broker.kill()?;
    let read = search_below(stack.broker.store_dir(), &secrets)?;
    assert!(read > 0, "nothing was searched");
    stack.is_well();
    Ok(())
}

/// Searches all files below `dir`; how many held what stands in the clear.
fn search_below(dir: &Path, secrets: &BTreeMap<&str, String>) -> anyhow::Result<usize> {
    let mut found = 0;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            found += search_below(&path, secrets)?;
        } else if path.is_file() {
            let bytes = fs::read(&path)?;
            search(&path.display().to_string(), &bytes, secrets);
            found += usize::from(holds(&bytes, IN_THE_CLEAR.as_bytes()));
        }
    }
    Ok(found)
}

/// A secret may lie about as it is, in base64 of either alphabet, or by its last part alone.
fn search(place: &str, bytes: &[u8], secrets: &BTreeMap<&str, String>) {
    for (what, secret) in secrets {
        let last = secret.rsplit('.').next().unwrap_or(secret);
        let forms = [
            secret.clone(),
            last.to_owned(),
            STANDARD.encode(secret),
            URL_SAFE_NO_PAD.encode(secret),
        ];
        for form in forms {
            assert!(!holds(bytes, form.as_bytes()), "{what} stands in {place}");
        }
    }
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
