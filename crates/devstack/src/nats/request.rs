//! One request to a server, in NATS's own text protocol: for what only a request can do, such as asking a leader to step
//! down. Services speak to the log through `eventlog`; this is for those who run the servers.

use std::io;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::Credential;

const PATIENCE: Duration = Duration::from_secs(5);

/// Sends a request to `subject` and reads the answer as JSON.
pub(super) async fn request(
    port: u16,
    user: Option<&Credential>,
    subject: &str,
    content: &str,
) -> io::Result<Value> {
    tokio::time::timeout(PATIENCE, ask(port, user, subject, content)).await?
}

async fn ask(
    port: u16,
    user: Option<&Credential>,
    subject: &str,
    content: &str,
) -> io::Result<Value> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let mut connect = json!({ "verbose": false, "pedantic": false, "name": "devstack" });
    let mut inbox = "_INBOX.devstack".to_owned();
    if let Some(user) = user {
        connect["user"] = user.user.as_str().into();
        connect["pass"] = user.password.as_str().into();
        inbox = format!("{}.devstack", user.inbox_prefix);
    }
    let size = content.len();
    let request = format!(
        "CONNECT {connect}\r\nSUB {inbox} 1\r\nPUB {subject} {inbox} {size}\r\n{content}\r\n"
    );
    writer.write_all(request.as_bytes()).await?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.starts_with("PING") {
            writer.write_all(b"PONG\r\n").await?;
        } else if let Some(complaint) = line.strip_prefix("-ERR") {
            return Err(io::Error::other(complaint.trim().to_owned()));
        } else if line.starts_with("MSG ") {
            let size = line.split_whitespace().last();
            let size: usize = size
                .and_then(|size| size.parse().ok())
                .ok_or(io::ErrorKind::InvalidData)?;
            let mut payload = vec![0; size];
            reader.read_exact(&mut payload).await?;
            return serde_json::from_slice(&payload).map_err(io::Error::from);
        }
    }
}
