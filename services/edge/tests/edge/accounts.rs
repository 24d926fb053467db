//! Accounts over HTTP: begin one, log in, go on, see where one is logged in, log out.

use serde_json::{Value, json};

use crate::stage::{Stage, until};
use crate::web::{bearer, post, send, send_as};

const PAGE: (&str, &str) = ("x-worldline-cookie", "1");

fn ann() -> Value {
    json!({ "name": "Ann", "password": "correct horse" })
}

#[tokio::test]
async fn a_login_name_is_begun_and_logs_in_whatever_its_case() {
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    let begun = post(edge.address, "/v1/register", &ann()).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    assert_eq!(begun.header("cache-control"), Some("no-store"));
    assert!(begun.body["guest_token"].is_null() && begun.body["characters"] == json!([]));
    let again = json!({ "name": " ANN ", "password": "correct horse" });
    let back = post(edge.address, "/v1/login", &again).await;
    assert_eq!(back.status, 200, "{}", back.text);
    assert_eq!(back.get("account"), begun.get("account"));
    assert_ne!(back.get("session"), begun.get("session"));
    // One letter has two spellings in Unicode.
    let typed = |text: &str| json!({ "name": "ben", "password": text });
    let (composed, decomposed) = (typed("caf\u{e9} au lait"), typed("cafe\u{301} au lait"));
    assert_eq!(
        post(edge.address, "/v1/register", &composed).await.status,
        200
    );
    assert_eq!(
        post(edge.address, "/v1/login", &decomposed).await.status,
        200
    );
}

#[tokio::test]
async fn a_session_goes_on_with_the_next_tokens() {
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    let begun = post(edge.address, "/v1/register", &ann()).await;
    let refresh = |token: &str| json!({ "refresh_token": token });
    let first = refresh(begun.get("refresh_token"));
    let next = post(edge.address, "/v1/refresh", &first).await;
    assert_eq!(next.status, 200, "{}", next.text);
    assert_eq!(next.get("session"), begun.get("session"));
    assert_ne!(next.get("refresh_token"), begun.get("refresh_token"));
    let account = send_as(
        edge.address,
        next.get("access_token"),
        "GET /v1/account",
        None,
    )
    .await;
    assert_eq!(account.status, 200, "{}", account.text);
    assert_eq!(account.body["methods"], json!(["password"]));
    let replayed = post(edge.address, "/v1/refresh", &first).await;
    assert_eq!(replayed.problem(), (401, "session_reused"));
}

#[tokio::test]
async fn a_page_keeps_its_refresh_token_in_a_cookie_that_no_other_site_can_use() {
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    let begun = send(edge.address, "POST /v1/register", &[PAGE], Some(&ann())).await;
    assert!(begun.body["refresh_token"].is_null(), "{}", begun.text);
    let cookie = begun.header("set-cookie").expect("a cookie").to_owned();
    for part in [
        "worldline_refresh=",
        "HttpOnly",
        "SameSite=Strict",
        "Path=/v1",
    ] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert!(
        !cookie.contains("Secure"),
        "over plain http it would be lost"
    );
    let kept = ("cookie", cookie.split(';').next().expect("its value"));
    let nothing = json!({});
    let foreign = send(edge.address, "POST /v1/refresh", &[kept], Some(&nothing)).await;
    assert_eq!(foreign.problem(), (403, "cookie_without_header"));
    let own = send(
        edge.address,
        "POST /v1/refresh",
        &[kept, PAGE],
        Some(&nothing),
    )
    .await;
    assert_eq!(own.status, 200, "{}", own.text);
    assert!(own.header("set-cookie").is_some_and(|next| *next != cookie));
    let token = bearer(own.get("access_token"));
    let out = send(
        edge.address,
        "POST /v1/logout",
        &[("authorization", &token)],
        None,
    )
    .await;
    let cleared = out.header("set-cookie").unwrap_or_default();
    assert!(
        out.status == 204 && cleared.contains("worldline_refresh=; "),
        "{cleared}"
    );
}

#[tokio::test]
async fn cookies_are_kept_to_https_where_a_trusted_proxy_says_so() {
    let stage = Stage::new(&[]).await;
    let mut config = crate::stage::config();
    config.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    let (direct, proxied) = (stage.edge().await, stage.edge_with(config).await);
    let https = ("x-forwarded-proto", "https");
    for (edge, name, secure) in [(&direct, "ann", false), (&proxied, "ben", true)] {
        let body = json!({ "name": name, "password": "correct horse" });
        let begun = send(
            edge.address,
            "POST /v1/register",
            &[PAGE, https],
            Some(&body),
        )
        .await;
        let cookie = begun.header("set-cookie").expect("a cookie");
        assert_eq!(cookie.contains("; Secure"), secure, "{cookie}");
    }
}

#[tokio::test]
async fn one_sees_where_one_is_logged_in_and_ends_what_one_likes() {
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    let phone = post(edge.address, "/v1/register", &ann()).await;
    let agent = ("user-agent", "Desktop 7");
    let desktop = send(edge.address, "POST /v1/login", &[agent], Some(&ann())).await;
    let ask = async |token: &str, request: &str| send_as(edge.address, token, request, None).await;
    let (old, new) = (phone.get("access_token"), desktop.get("access_token"));
    let list = ask(new, "GET /v1/sessions").await;
    let sessions = list.body["sessions"].as_array().expect("a list").clone();
    assert_eq!(sessions.len(), 2, "{}", list.text);
    assert_eq!(sessions[0]["id"], phone.get("session"));
    assert_eq!(
        (&sessions[0]["current"], &sessions[1]["current"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(sessions[1]["device"], "Desktop 7");
    let end = format!("DELETE /v1/sessions/{}", phone.get("session"));
    assert_eq!(ask(new, &end).await.status, 204);
    until("the phone's token is refused", async || {
        ask(old, "GET /v1/account").await.problem() == (401, "session_ended")
    })
    .await;
    assert_eq!(ask(new, "DELETE /v1/sessions/nonsense").await.status, 404);
    assert_eq!(ask(new, "GET /v1/account").await.status, 200);
    assert_eq!(ask(new, "POST /v1/logout-everywhere").await.status, 204);
    until("so is the desktop's", async || {
        ask(new, "GET /v1/account").await.status == 401
    })
    .await;
}

#[tokio::test]
async fn another_password_ends_all_other_sessions() {
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    let other = post(edge.address, "/v1/register", &ann()).await;
    let own = post(edge.address, "/v1/login", &ann()).await;
    let token = own.get("access_token");
    let change = async |old: &str, new: &str| {
        let body = json!({ "old": old, "new": new });
        send_as(edge.address, token, "POST /v1/password", Some(&body)).await
    };
    assert_eq!(
        change("a guess", "battery staple").await.problem(),
        (401, "bad_login")
    );
    assert_eq!(change("correct horse", "battery staple").await.status, 204);
    until("the other is refused", async || {
        let other = other.get("access_token");
        send_as(edge.address, other, "GET /v1/account", None)
            .await
            .status
            == 401
    })
    .await;
    assert_eq!(
        send_as(edge.address, token, "GET /v1/account", None)
            .await
            .status,
        200
    );
    assert_eq!(
        post(edge.address, "/v1/login", &ann()).await.problem(),
        (401, "bad_login")
    );
    let new = json!({ "name": "ann", "password": "battery staple" });
    assert_eq!(post(edge.address, "/v1/login", &new).await.status, 200);
}

#[tokio::test]
async fn a_guest_gets_a_login_name_and_stays_who_they_are() {
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    let guest = post(edge.address, "/v1/guest", &json!({ "name": "Ann" })).await;
    let token = guest.get("access_token");
    let no_password = json!({ "old": "x", "new": "y" });
    let refused = send_as(edge.address, token, "POST /v1/password", Some(&no_password)).await;
    assert_eq!(refused.problem(), (409, "no_password"));
    let upgraded = send_as(edge.address, token, "POST /v1/upgrade", Some(&ann())).await;
    assert_eq!(upgraded.status, 200, "{}", upgraded.text);
    for same in ["account", "character", "name"] {
        assert_eq!(upgraded.body[same], guest.body[same], "{same}");
    }
    let back = post(edge.address, "/v1/login", &ann()).await;
    assert_eq!(back.get("account"), guest.get("account"));
    assert_eq!(back.get("character"), guest.get("character"));
}
