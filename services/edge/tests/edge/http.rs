//! HTTP: login, tickets, maps, problems.

use std::net::SocketAddr;

use schemas::AccountId;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stage::{Stage, access_token, config};

async fn ask(address: SocketAddr, head: &str, body: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let length = body.len();
    let request = format!(
        "{head}\r\nhost: test\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("it answers");
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    (
        head[9..12].parse().expect("a status"),
        head.to_owned(),
        body.to_owned(),
    )
}

async fn post(address: SocketAddr, path: &str, extra: &str, body: &str) -> (u16, Value) {
    let head = format!("POST {path} HTTP/1.1\r\ncontent-type: application/json{extra}");
    let (status, _, body) = ask(address, &head, body).await;
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn a_guest_begins_and_comes_back() {
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    let body = json!({ "name": " Ann " }).to_string();
    let (status, guest) = post(edge.address, "/v1/guest", "", &body).await;
    assert_eq!(status, 200, "{guest}");
    for key in ["guest_token", "access_token", "character", "name"] {
        assert!(guest[key].is_string(), "{key} in {guest}");
    }
    assert_eq!(guest["expires_in"], 600);
    let body = json!({ "guest_token": guest["guest_token"] }).to_string();
    assert_eq!(post(edge.address, "/v1/guest", "", &body).await.0, 200);
}

#[tokio::test]
async fn refused_logins_are_problems_with_a_stable_code() {
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    let unknown = json!({ "guest_token": format!("{}.{}", AccountId(404), "A".repeat(43)) });
    let cases = [
        (json!({ "name": "" }).to_string(), 400, "bad_name"),
        (
            json!({ "name": "x".repeat(25) }).to_string(),
            400,
            "bad_name",
        ),
        (json!({ "name": "a\u{0}b" }).to_string(), 400, "bad_name"),
        (
            json!({ "guest_token": "nonsense" }).to_string(),
            401,
            "bad_login",
        ),
        (unknown.to_string(), 401, "bad_login"),
        ("{}".into(), 400, "bad_json"),
        ("not json".into(), 400, "bad_json"),
        (
            json!({ "name": "x".repeat(5000) }).to_string(),
            400,
            "bad_json",
        ),
    ];
    for (body, status, code) in cases {
        let (answered, problem) = post(edge.address, "/v1/guest", "", &body).await;
        assert_eq!(
            (answered, problem["code"].as_str()),
            (status, Some(code)),
            "{body:.60}: {problem}"
        );
        assert_eq!(problem["status"], status);
    }
}

#[tokio::test]
async fn a_ticket_takes_an_access_token_and_ones_own_character() {
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    let ask = async |token: &str, character: AccountId| {
        let bearer = format!("\r\nauthorization: Bearer {token}");
        let body = json!({ "character": character.to_string() }).to_string();
        post(edge.address, "/v1/start", &bearer, &body).await
    };
    let ann = AccountId(7);
    let (status, start) = ask(&access_token(ann, 60), ann).await;
    assert_eq!(status, 200, "{start}");
    assert_eq!(
        (start["ticket"].as_str(), start["endpoint"].as_str()),
        (Some("t"), Some("/v1/ws"))
    );
    let (status, problem) = ask(&access_token(ann, 60), AccountId(8)).await;
    assert_eq!((status, problem["code"].as_str()), (403, Some("not_yours")));
    for bad in ["", "x", &access_token(ann, -60)] {
        let (status, problem) = ask(bad, ann).await;
        assert_eq!(
            (status, problem["code"].as_str()),
            (401, Some("not_logged_in"))
        );
    }
}

#[tokio::test]
async fn an_address_in_a_hurry_is_told_to_wait() {
    let stage = Stage::new(&[]).await;
    let mut config = config();
    config.logins_per_second = 1;
    let edge = stage.edge_with(config).await;
    let refused = post(edge.address, "/v1/guest", "", "{}").await.0;
    assert_eq!(refused, 400, "and it counts tenfold");
    let (status, problem) = post(edge.address, "/v1/guest", "", "{}").await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (429, Some("too_many_requests"))
    );
}

#[tokio::test]
async fn maps_health_metrics_and_a_page_that_helps() {
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    let get = async |path: &str| ask(edge.address, &format!("GET {path} HTTP/1.1"), "").await;
    let (status, _, body) = get("/maps/harbor.json").await;
    let map: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((status, map["name"].as_str()), (200, Some("harbor")));
    let image = map["tileset"]["image"].as_str().expect("a picture");
    let (status, head, _) = get(&format!("/maps/{image}")).await;
    assert_eq!(status, 200);
    assert!(
        head.to_lowercase().contains("content-type: image/png"),
        "{head}"
    );
    for path in ["/maps/nowhere.json", "/maps/..%2fsecret", "/nothing"] {
        assert_eq!(get(path).await.0, 404, "{path}");
    }
    let (status, _, page) = get("/").await;
    assert!(status == 200 && page.contains("npm"), "{page}");
    for (path, status, code) in [
        ("/v1/ws", 400, "no_websocket"),
        ("/v1/guest", 405, "wrong_method"),
    ] {
        let (answered, _, body) = get(path).await;
        assert!(
            answered == status && body.contains(code),
            "{path}: {answered} {body}"
        );
    }
    assert_eq!(get("/health/live").await.0, 200);
    assert_eq!(get("/health/ready").await.0, 200);
    assert_eq!(get("/metrics").await.0, 200);
}

#[tokio::test]
async fn a_built_client_is_served() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("index.html"), "<p>play</p>").expect("written");
    std::fs::write(dir.path().join("game.js"), "play()").expect("written");
    let stage = Stage::new(&[]).await;
    let mut config = config();
    config.web_dir = Some(dir.path().into());
    let edge = stage.edge_with(config).await;
    let get = async |path: &str| ask(edge.address, &format!("GET {path} HTTP/1.1"), "").await;
    assert!(get("/").await.2.contains("play"));
    let (status, head, _) = get("/game.js").await;
    assert!(status == 200 && head.contains("javascript"), "{head}");
    assert_eq!(get("/../secret").await.0, 404);
}
