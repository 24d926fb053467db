//! Everything that is refused on the way in, and what comes back. (That nothing of what was sent is
//! found anywhere: `secrets`.)

use schemas::keyed::Refusal;
use schemas::{AccountId, LoginId};
use serde_json::{Value, json};

use crate::stage::{IDENTITY_PRIVATE, LOBBY_PRIVATE, Stage, access_token, claims, config, signed};
use crate::web::{Answer, post, send, send_as};

const PASSWORD: &str = "correct-horse-battery";

#[tokio::test]
async fn what_identity_refuses_keeps_its_code_and_gets_its_status() {
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    let typed = json!({ "name": "ann", "password": PASSWORD });
    for (code, status, retry_after) in [
        ("bad_login", 401, None),
        ("locked", 429, Some(7)),
        ("busy", 429, Some(1)),
        ("name_taken", 409, None),
        ("weak_password", 400, None),
        ("nonce_used", 401, None),
        ("oidc_audience", 401, None),
        ("oidc_keys_unavailable", 503, Some(1)),
        ("not_yours", 403, None),
        ("grant_used", 401, None),
        ("bad_request", 500, None),
        ("fault", 500, None),
        ("wrong_key", 500, None),
    ] {
        let mut refusal = Refusal::new(code, "as it is told");
        if let Some(seconds) = retry_after {
            refusal = refusal.after(seconds);
        }
        stage.identity.refuse_next(refusal);
        let refused = post(edge.address, "/v1/login", &typed).await;
        assert_eq!(refused.problem(), (status, code));
        assert_eq!(refused.get("detail"), "as it is told");
        assert_eq!(
            refused.header("content-type"),
            Some("application/problem+json")
        );
        let told = refused.header("retry-after").map(str::to_owned);
        assert_eq!(
            told,
            retry_after.map(|seconds| seconds.to_string()),
            "{code}"
        );
    }
}

#[tokio::test]
async fn a_missing_name_and_a_wrong_password_are_told_alike() {
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    post(
        edge.address,
        "/v1/register",
        &json!({ "name": "ann", "password": PASSWORD }),
    )
    .await;
    let log_in = async |name: &str| {
        let typed = json!({ "name": name, "password": "a guess" });
        post(edge.address, "/v1/login", &typed).await.text
    };
    let wrong = log_in("ann").await;
    for missing in ["nobody", "", "x", &"x".repeat(100), "\u{202e}ann"] {
        assert_eq!(log_in(missing).await, wrong, "{missing:?}");
    }
}

#[tokio::test]
async fn a_name_that_nobody_may_have_is_not_begun() {
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    for name in ["", "an", &"x".repeat(65), "an\u{0}n", "\u{202e}ann"] {
        let typed = json!({ "name": name, "password": PASSWORD });
        let refused = post(edge.address, "/v1/register", &typed).await;
        assert_eq!(refused.problem(), (400, "bad_name"), "{name:?}");
    }
    assert_eq!(stage.identity.asked(), 0);
}

#[tokio::test]
async fn a_token_is_good_when_identity_has_signed_it_for_edges_lately() {
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    let account = AccountId(7);
    let ask = async |token: &str| send_as(edge.address, token, "GET /v1/account", None).await;
    assert_eq!(ask(&access_token(account, 60)).await.status, 200);
    let good = claims(account, LoginId(1), 60, None);
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        signed(&claims, IDENTITY_PRIVATE, "s1")
    };
    let cases = [
        ("nothing", String::new()),
        ("no token", "nonsense".to_owned()),
        ("old", access_token(account, -60)),
        ("another's key", signed(&good, LOBBY_PRIVATE, "s1")),
        (
            "a key that is not there",
            signed(&good, IDENTITY_PRIVATE, "s9"),
        ),
        ("no key's name", signed(&good, IDENTITY_PRIVATE, "")),
        (
            "a long name",
            signed(&good, IDENTITY_PRIVATE, &"k".repeat(1000)),
        ),
        ("a subject's wildcard", signed(&good, IDENTITY_PRIVATE, "*")),
        ("another audience", with("aud", "worldline-join".into())),
        ("another issuer", with("iss", "somebody".into())),
        ("no session", with("sid", Value::Null)),
        ("no account", with("sub", "nobody".into())),
    ];
    for (what, token) in cases {
        assert_eq!(
            ask(&token).await.problem(),
            (401, "not_logged_in"),
            "{what}"
        );
    }
    let token = access_token(account, 60);
    for header in [
        token.clone(),
        format!("Basic {token}"),
        format!("bearer{token}"),
    ] {
        let headers = [("authorization", header.as_str())];
        let asked = send(edge.address, "GET /v1/account", &headers, None);
        assert_eq!(asked.await.status, 401);
    }
}

#[tokio::test]
async fn a_token_that_holds_at_its_address_is_good_there_only() {
    let stage = Stage::new(&[]).await;
    stage.identity.be_strict();
    let mut config = config();
    config.trusted_proxies = vec!["127.0.0.1".parse().expect("a network")];
    let edge = stage.edge_with(config).await;
    let from = |address: &'static str| ("x-forwarded-for", address);
    let typed = json!({ "name": "ann", "password": PASSWORD });
    let register = "POST /v1/register";
    let begun = send(
        edge.address,
        register,
        &[from("2001:db8:1:2::3")],
        Some(&typed),
    )
    .await;
    let token = crate::web::bearer(begun.get("access_token"));
    let ask = async |address: &'static str| {
        let headers = [from(address), ("authorization", token.as_str())];
        send(edge.address, "GET /v1/account", &headers, None).await
    };
    assert_eq!(ask("2001:db8:1:2::3").await.status, 200);
    assert_eq!(
        ask("2001:db8:1:2:4:5:6:7").await.status,
        200,
        "the same network"
    );
    for other in ["2001:db8:1:3::3", "192.0.2.1", "nonsense"] {
        assert_eq!(ask(other).await.problem(), (401, "log_in_again"), "{other}");
    }
    assert_eq!(stage.identity.addresses().len(), 1);
}

#[tokio::test]
async fn more_passwords_at_once_than_there_is_room_for_are_told_to_come_back() {
    let stage = Stage::new(&[]).await;
    stage.identity.fall_silent();
    let mut config = config();
    config.passwords_in_flight = 1;
    let edge = stage.edge_with(config).await;
    let address = edge.address;
    let typed = json!({ "name": "ann", "password": PASSWORD });
    let same = typed.clone();
    let first = tokio::spawn(async move { post(address, "/v1/login", &same).await });
    crate::stage::until("the first is on its way", async || {
        stage.identity.asked() == 1
    })
    .await;
    let second = post(address, "/v1/login", &typed).await;
    assert_eq!(second.problem(), (429, "busy"));
    assert!(second.header("retry-after").is_some());
    // Hanging up makes no room: identity is at it still.
    first.abort();
    drop(first.await);
    assert_eq!(
        post(address, "/v1/login", &typed).await.problem(),
        (429, "busy")
    );
}

#[tokio::test]
async fn nothing_that_is_no_request_is_let_through() {
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    let raw = async |path: &str, body: &str| -> Answer {
        crate::web::send_raw(edge.address, &format!("POST {path}"), &[], body).await
    };
    for path in ["/v1/login", "/v1/register", "/v1/refresh", "/v1/guest"] {
        for body in [
            "not json",
            "[1]",
            "{\"name\": 1, \"refresh_token\": 1}",
            "\"x\"",
            &"[".repeat(4000),
        ] {
            assert_eq!(
                raw(path, body).await.problem(),
                (400, "bad_json"),
                "{path} {body:.20}"
            );
        }
        let long = format!("{{\"name\": \"{}\"}}", "x".repeat(5000));
        assert_eq!(raw(path, &long).await.problem(), (400, "bad_json"));
    }
    for token in [
        "",
        "x",
        "a.b.c.d",
        &format!("{}.{}.1.x", AccountId(1), LoginId(1)),
    ] {
        let refused = post(
            edge.address,
            "/v1/refresh",
            &json!({ "refresh_token": token }),
        )
        .await;
        assert_eq!(refused.problem(), (401, "session_unknown"), "{token:?}");
    }
    assert_eq!(
        post(edge.address, "/v1/refresh", &json!({}))
            .await
            .problem(),
        (401, "session_unknown")
    );
}
