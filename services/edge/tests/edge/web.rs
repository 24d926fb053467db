//! HTTP as a page does it: a request, an answer.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub text: String,
    pub body: Value,
}

impl Answer {
    /// Status and code of a problem.
    pub fn problem(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or(""))
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value)
    }

    /// A text of the body.
    pub fn get(&self, name: &str) -> &str {
        self.body[name]
            .as_str()
            .unwrap_or_else(|| panic!("{name} in {}", self.text))
    }
}

/// Sends a request with these headers.
pub async fn send(
    address: SocketAddr,
    request: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Answer {
    let body = body.map(Value::to_string).unwrap_or_default();
    send_raw(address, request, headers, &body).await
}

/// As [`send`], with any body.
pub async fn send_raw(
    address: SocketAddr,
    request: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut head = format!("{request} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n");
    if !body.is_empty() {
        head.push_str("content-type: application/json\r\n");
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(head.as_bytes()).await.expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("it answers");
    let answer = String::from_utf8(answer).expect("a text");
    let (head, text) = answer.split_once("\r\n\r\n").expect("a head and a body");
    Answer {
        status: head[9..12].parse().expect("a status"),
        body: serde_json::from_str(text).unwrap_or(Value::Null),
        head: head.to_owned(),
        text: text.to_owned(),
    }
}

/// The header of somebody who is logged in.
pub fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Posts `body` without further headers.
pub async fn post(address: SocketAddr, path: &str, body: &Value) -> Answer {
    send(address, &format!("POST {path}"), &[], Some(body)).await
}

/// Sends a request of somebody who is logged in.
pub async fn send_as(
    address: SocketAddr,
    token: &str,
    request: &str,
    body: Option<&Value>,
) -> Answer {
    send(address, request, &[("authorization", &bearer(token))], body).await
}
