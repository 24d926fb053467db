//! The version gate and the files of a version: what a publisher writes, two edges tell.

use std::net::SocketAddr;

use eventlog::EventLog;
use schemas::resources::{BUCKET, ContentHash, File, MANIFEST, Manifest, STORE, version};
use schemas::wire::{ClientMessage, PROTOCOL};
use schemas::{CharacterId, Sequence, UnixMillis};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::Client;
use crate::stage::{Stage, config, ticket, until};

const MAP: &[u8] = b"0123456789";

/// What an edge answers.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value)
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

async fn ask(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let lines = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"));
    let lines = lines.collect::<String>();
    let request =
        format!("{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{lines}\r\n");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("it answers");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.expect("a head and a body");
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    Answer {
        status: head[9..12].parse().expect("a status"),
        head,
        body: answer.split_off(end + 4),
    }
}

async fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, "GET", path, &[]).await
}

fn path_of(content: &[u8]) -> String {
    format!("/v1/files/{}", ContentHash::of(content))
}

/// Uploads a file, as a publisher does first.
async fn upload(log: &EventLog, path: &str, content: &[u8]) -> File {
    let sha256 = ContentHash::of(content);
    let store = log.objects(STORE).await.expect("the store");
    let put = store.put_bytes(&sha256.to_string(), None, content).await;
    put.expect("stored");
    File {
        path: path.to_owned(),
        sha256,
        size: content.len() as u64,
        content_type: "application/json".to_owned(),
    }
}

/// Writes the manifest, as a publisher does last.
async fn publish(log: &EventLog, number: &str, minimum: &str, files: Vec<File>) {
    let bucket = log.bucket(BUCKET).await.expect("the bucket");
    let before = bucket.get(MANIFEST).await.expect("an answer");
    let before = before.map_or(Sequence(0), |entry| entry.revision);
    let read = |text: &str| version(text).expect("a version");
    let (version, minimum) = (read(number), read(minimum));

    let manifest = Manifest::new(version, minimum, UnixMillis::now(), files);
    let written = bucket
        .update(MANIFEST, manifest.encode().into(), before)
        .await;
    written.expect("published");
}

async fn status(address: SocketAddr, version: &str) -> Value {
    let answer = get(address, &format!("/v1/resources?version={version}")).await;
    answer.json()["status"].clone()
}

async fn until_it_tells(address: SocketAddr, version: &str, wanted: &str) {
    until("the version is noticed", async || {
        status(address, version).await == wanted
    })
    .await;
}

#[tokio::test]
async fn as_long_as_nothing_is_published_everybody_is_current() {
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    for question in ["", "?version=", "?version=0.0.1"] {
        let answer = get(edge.address, &format!("/v1/resources{question}")).await;
        assert_eq!(
            (answer.status, answer.json()),
            (200, json!({ "status": "current" }))
        );
    }
    for question in ["?version=soon", "?version=1&version=2"] {
        let answer = get(edge.address, &format!("/v1/resources{question}")).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &json!("bad_version"))
        );
    }
}

#[tokio::test]
async fn a_version_is_seen_by_all_edges_at_once_and_whole() {
    let stage = Stage::new(&[]).await;
    let one = stage.edge().await;
    let mut elsewhere = config();
    elsewhere.endpoints = vec!["https://a.example".into(), "https://b.example".into()];
    let two = stage.edge_with(elsewhere).await;
    let map = upload(&stage.log, "maps/harbor.json", MAP).await;
    // A publish that was interrupted here has changed nothing.
    for edge in [&one, &two] {
        assert_eq!(status(edge.address, "0.1.0").await, "current");
        assert_eq!(get(edge.address, &path_of(MAP)).await.status, 404);
    }
    publish(&stage.log, "0.2.0", "0.1.0", vec![map]).await;
    for edge in [&one, &two] {
        until_it_tells(edge.address, "0.1.0", "update").await;
        assert_eq!(status(edge.address, "0.2.0").await, "current");
        assert_eq!(get(edge.address, &path_of(MAP)).await.body, MAP);
    }
    let path = path_of(MAP);
    let answer = get(two.address, "/v1/resources").await;
    assert_eq!(
        answer.json(),
        json!({
            "status": "update", "version": "0.2.0", "minimum": "0.1.0",
            "files": [{
                "path": "maps/harbor.json", "sha256": ContentHash::of(MAP).to_string(), "size": 10,
                "content_type": "application/json",
                "urls": [path, format!("https://a.example{path}"), format!("https://b.example{path}")],
            }],
        })
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let answer = get(one.address, "/v1/resources").await;
    assert_eq!(answer.json()["files"][0]["urls"], json!([path]));
    // The files of the version before are still there for those half way through it.
    let next = upload(&stage.log, "maps/harbor.json", b"new").await;
    publish(&stage.log, "0.3.0", "0.1.0", vec![next]).await;
    until_it_tells(one.address, "0.2.0", "update").await;
    assert_eq!(get(one.address, &path_of(MAP)).await.status, 200);
    // An edge that begins later tells the same.
    let three = stage.edge().await;
    assert_eq!(status(three.address, "0.2.0").await, "update");
    assert_eq!(get(three.address, &path_of(MAP)).await.body, MAP);
}

#[tokio::test]
async fn a_file_has_a_tag_and_parts() {
    let stage = Stage::new(&[]).await;
    let map = upload(&stage.log, "maps/harbor.json", MAP).await;
    publish(&stage.log, "0.2.0", "0.0.0", vec![map]).await;
    let edge = stage.edge().await;
    let path = path_of(MAP);
    let tag = format!("\"{}\"", ContentHash::of(MAP));
    let whole = get(edge.address, &path).await;
    assert_eq!((whole.status, whole.body.as_slice()), (200, MAP));
    for (name, value) in [
        ("etag", tag.as_str()),
        ("cache-control", "public, max-age=31536000, immutable"),
        ("content-type", "application/json"),
        ("content-length", "10"),
        ("accept-ranges", "bytes"),
        ("access-control-allow-origin", "*"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(whole.header(name), Some(value), "{name}");
    }
    let ask = async |headers: &[(&str, &str)]| ask(edge.address, "GET", &path, headers).await;
    let known = ask(&[("if-none-match", &tag)]).await;
    assert_eq!(
        (known.status, known.body.len(), known.header("etag")),
        (304, 0, Some(&*tag))
    );
    let other = ask(&[("if-none-match", "\"other\"")]).await;
    assert_eq!(other.status, 200);
    for (range, body, place) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
    ] {
        let part = ask(&[("range", range)]).await;
        assert_eq!(
            (part.status, part.body.as_slice()),
            (206, body.as_bytes()),
            "{range}"
        );
        assert_eq!(part.header("content-range"), Some(place));
        assert_eq!(part.header("etag"), Some(&*tag));
    }
    let beyond = ask(&[("range", "bytes=10-")]).await;
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (416, Some("bytes */10"))
    );
    let changed = ask(&[("range", "bytes=2-4"), ("if-range", "\"other\"")]).await;
    assert_eq!((changed.status, changed.body.as_slice()), (200, MAP));
    let head = self::ask(edge.address, "HEAD", &path, &[]).await;
    assert_eq!(
        (head.status, head.body.len(), head.header("content-length")),
        (200, 0, Some("10"))
    );
    for wrong in [
        path_of(b"other"),
        "/v1/files/x".into(),
        "/v1/files/..%2f..%2fx".into(),
    ] {
        let answer = get(edge.address, &wrong).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (404, &json!("not_found")),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_file_that_is_lost_is_an_answer_and_comes_back() {
    let stage = Stage::new(&[]).await;
    let map = upload(&stage.log, "maps/harbor.json", MAP).await;
    publish(&stage.log, "0.2.0", "0.0.0", vec![map]).await;
    let store = stage.log.objects(STORE).await.expect("the store");
    let name = ContentHash::of(MAP).to_string();
    store.delete(&name).await.expect("deleted");
    let edge = stage.edge().await;
    let lost = get(edge.address, &path_of(MAP)).await;
    assert_eq!(
        (lost.status, &lost.json()["code"]),
        (503, &json!("unavailable"))
    );
    store.put_bytes(&name, None, MAP).await.expect("stored");
    assert_eq!(get(edge.address, &path_of(MAP)).await.body, MAP);
}

#[tokio::test]
async fn a_client_below_the_minimum_is_told_so_before_login_and_on_the_socket() {
    let stage = Stage::new(&["harbor-1"]).await;
    let edge = stage.edge().await;
    publish(&stage.log, "0.3.0", "0.2.0", Vec::new()).await;
    until_it_tells(edge.address, "0.2.0", "update").await;
    let refused = get(edge.address, "/v1/resources?version=0.1.9").await;
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (426, &json!("client_outdated"))
    );
    assert_eq!(refused.header("upgrade"), Some("worldline/0.2.0"));
    assert!(
        refused.json()["detail"]
            .as_str()
            .unwrap_or_default()
            .contains("0.2.0")
    );
    let identify = async |number: u64, client: &str| {
        let mut socket = Client::open(edge.address).await;
        let identify = ClientMessage::Identify {
            protocol: PROTOCOL,
            ticket: ticket(CharacterId(number), &format!("t{number}")),
            client: client.to_owned(),
        };
        socket.send(&identify).await;
        socket
    };
    for old in ["sdk 0.1.0", "web/0.1.9"] {
        assert_eq!(identify(9, old).await.until_closed().await, 4012, "{old}");
    }
    for (number, client) in (1..).zip(["sdk 0.2.0", "sdk", "somebody 0.0.1", ""]) {
        identify(number, client).await.until_picture().await;
    }
}
