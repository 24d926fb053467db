//! What is wrong with a request before there is a websocket.

use anyhow::Context;
use bots::login;
use serde_json::json;
use worldline_tests::checks::all_is_well;
use worldline_tests::metrics::counter;

use super::{Witness, refused};
use crate::stack;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_requests_get_a_status_and_a_code() -> anyhow::Result<()> {
    let mut stack = stack(&["w1"]).await?;
    let mut witness = Witness::come(&stack).await?;
    let edge = stack.edge("edge-1").clone();
    let here = witness.player.who().await?;
    let rogue = login::new_guest(&edge, "Rogue").await?;
    let bearer = Some(rogue.access_token.as_str());
    let theirs = json!({ "character": witness.player.guest.character });
    let name = |name: &str| json!({ "name": name });
    let huge = name(&"x".repeat(100_000));
    let forged = format!("{}x", rogue.access_token);

    let rows = [
        (
            "an empty name",
            "/v1/guest",
            None,
            name(""),
            400,
            "bad_name",
        ),
        (
            "a blank name",
            "/v1/guest",
            None,
            name(" \t "),
            400,
            "bad_name",
        ),
        (
            "a name with a line break",
            "/v1/guest",
            None,
            name("a\nb"),
            400,
            "bad_name",
        ),
        (
            "a name that rings",
            "/v1/guest",
            None,
            name("a\u{7}b"),
            400,
            "bad_name",
        ),
        (
            "a name that turns around",
            "/v1/guest",
            None,
            name("a\u{202e}b"),
            400,
            "bad_name",
        ),
        (
            "a long name",
            "/v1/guest",
            None,
            name(&"x".repeat(25)),
            400,
            "bad_name",
        ),
        (
            "an absurd name",
            "/v1/guest",
            None,
            name(&"x".repeat(3000)),
            400,
            "bad_name",
        ),
        (
            "no name at all",
            "/v1/guest",
            None,
            json!({}),
            400,
            "bad_json",
        ),
        ("a body of 100 KB", "/v1/guest", None, huge, 400, "bad_json"),
        (
            "an invented guest token",
            "/v1/guest",
            None,
            json!({"guest_token": "a.b"}),
            401,
            "bad_login",
        ),
        (
            "no access token",
            "/v1/start",
            None,
            theirs.clone(),
            401,
            "not_logged_in",
        ),
        (
            "a forged access token",
            "/v1/start",
            Some(forged.as_str()),
            theirs.clone(),
            401,
            "not_logged_in",
        ),
        (
            "someone else's character",
            "/v1/start",
            bearer,
            theirs,
            403,
            "not_yours",
        ),
        (
            "no character",
            "/v1/start",
            bearer,
            json!({}),
            400,
            "bad_json",
        ),
        (
            "nobody's character",
            "/v1/start",
            bearer,
            json!({"character": "0000000000001"}),
            403,
            "not_yours",
        ),
    ];
    for (what, path, bearer, body, status, code) in rows {
        let body = serde_json::to_vec(&body)?;
        let (got, answer) = edge
            .exchange("POST", path, bearer, &body)
            .await
            .context(what)?;
        let answer: serde_json::Value = serde_json::from_slice(&answer).context(what)?;
        assert_eq!(
            (got, answer["code"].as_str()),
            (status, Some(code)),
            "{what}: {answer}"
        );
        witness.is_undisturbed().await.context(what)?;
    }
    // What is no JSON at all, and what nobody asked for.
    for (method, path, body, wanted) in [
        ("POST", "/v1/guest", "{\"name\":", 400),
        ("POST", "/v1/guest", "\u{0}\u{1}\u{2}", 400),
        ("GET", "/v1/guest", "", 405),
        ("GET", "/v1/ws", "", 400),
    ] {
        let (status, _) = edge.exchange(method, path, None, body.as_bytes()).await?;
        assert_eq!(status, wanted, "{method} {path} {body:?}");
    }
    assert!(
        refused(&stack, "bad_name").await? >= 7.0,
        "each bad name is counted"
    );

    // A flood from one address: too many are told so, and those who play are not touched.
    let few = [("WORLDLINE_EDGE_LOGINS_PER_SECOND", "5")];
    stack.start_edge("edge-2", &few).await?;
    let edge = stack.edge("edge-2").clone();
    let mut too_many = 0;
    let body = serde_json::to_vec(&json!({ "guest_token": "a.b" }))?;
    for _ in 0..100 {
        let (status, _) = edge.exchange("POST", "/v1/guest", None, &body).await?;
        too_many += u32::from(status == 429);
    }
    assert!(too_many >= 10, "a flood of logins is slowed down");
    let counted = counter(&edge, "worldline_edge_refused_total", "logins").await?;
    assert!(counted >= 10.0, "and counted");
    witness.is_undisturbed().await?;
    assert_eq!(
        witness.player.who().await?,
        here,
        "nobody came, nobody went"
    );
    witness.player.leave().await?;
    all_is_well(&stack).await
}
