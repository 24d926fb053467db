//! A very small HTTP client: one JSON request, one JSON answer, on a connection of its own.
//!
//! It asks in HTTP/1.0, so that an answer ends where the connection ends and nothing is chunked. Plain TCP only.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const LARGEST_ANSWER: u64 = 4 << 20;
const DEADLINE: Duration = Duration::from_secs(15);

/// Why a request had no good answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address cannot be used: give one like `http://127.0.0.1:7777`.
    #[error("{0:?} is not an address like http://127.0.0.1:7777")]
    BadAddress(String),
    /// Nobody answers there, or not in time: try again.
    #[error("{address}: {what}")]
    Unreachable {
        /// Host and port.
        address: String,
        /// What went wrong.
        what: String,
    },
    /// The server said no; its `code` tells programs why.
    #[error("{status} {code}: {detail}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Stable, for programs.
        code: String,
        /// For people.
        detail: String,
    },
    /// It is no server of ours that answers there.
    #[error("{address} answered what we cannot read: {what}")]
    Unreadable {
        /// Host and port.
        address: String,
        /// Where it stopped making sense.
        what: String,
    },
}

impl HttpError {
    /// Whether the same request may well succeed in a moment.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => *status == 429 || *status >= 500,
            Self::BadAddress(_) | Self::Unreadable { .. } => false,
        }
    }
}

/// Where a server listens: host and port of an `http://` URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    authority: String,
}

impl Address {
    /// Reads `http://host:port`.
    ///
    /// # Errors
    /// When it is anything else; a path is not taken, and TLS is not spoken here.
    pub fn parse(url: &str) -> Result<Self, HttpError> {
        let bad = || HttpError::BadAddress(url.to_owned());
        let rest = url.strip_prefix("http://").ok_or_else(bad)?;
        let authority = rest.trim_end_matches('/');
        if authority.is_empty() || authority.contains(['/', '?', '#', '@', ' ']) {
            return Err(bad());
        }
        let has_port = authority
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        Ok(Self {
            authority: if has_port {
                authority.to_owned()
            } else {
                format!("{authority}:80")
            },
        })
    }

    /// `host:port`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The websocket address of `endpoint`, which is a path on this server or a whole address.
    #[must_use]
    pub fn websocket(&self, endpoint: &str) -> String {
        if endpoint.starts_with("ws://") {
            endpoint.to_owned()
        } else {
            format!(
                "ws://{}/{}",
                self.authority,
                endpoint.trim_start_matches('/')
            )
        }
    }

    /// Posts `body` to `path` and reads the answer.
    ///
    /// # Errors
    /// See [`HttpError`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        bearer: Option<&str>,
        body: &impl Serialize,
    ) -> Result<T, HttpError> {
        let body = serde_json::to_vec(body).map_err(|error| self.unreadable(error))?;
        let (status, answer) = self.exchange("POST", path, bearer, &body).await?;
        if (200..300).contains(&status) {
            serde_json::from_slice(&answer).map_err(|error| self.unreadable(error))
        } else {
            Err(refused(status, &answer))
        }
    }

    /// Sends any request and returns status and body as they are.
    ///
    /// # Errors
    /// When there is no answer at all.
    pub async fn exchange(
        &self,
        method: &str,
        path: &str,
        bearer: Option<&str>,
        body: &[u8],
    ) -> Result<(u16, Vec<u8>), HttpError> {
        let mut head = format!(
            "{method} {path} HTTP/1.0\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
            self.authority,
            body.len()
        );
        if let Some(token) = bearer {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        head.push_str("\r\n");
        let talk = async {
            let mut socket = TcpStream::connect(&self.authority).await?;
            socket.set_nodelay(true)?;
            // One write: head and body in one segment.
            let request = [head.as_bytes(), body].concat();
            socket.write_all(&request).await?;
            let mut answer = Vec::new();
            socket.take(LARGEST_ANSWER).read_to_end(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let answer = match tokio::time::timeout(DEADLINE, talk).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(self.unreachable(error)),
            Err(_) => return Err(self.unreachable(format_args!("no answer in {DEADLINE:?}"))),
        };
        self.split(&answer)
    }

    fn split(&self, answer: &[u8]) -> Result<(u16, Vec<u8>), HttpError> {
        if answer.is_empty() {
            return Err(self.unreachable("closed without an answer"));
        }
        let end = answer
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .ok_or_else(|| self.unreadable("no end of the head"))?;
        let status = answer
            .split(|&byte| byte == b' ')
            .nth(1)
            .and_then(|text| std::str::from_utf8(text).ok())
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| self.unreadable("no status"))?;
        Ok((status, answer[end + 4..].to_vec()))
    }

    fn unreachable(&self, what: impl std::fmt::Display) -> HttpError {
        HttpError::Unreachable {
            address: self.authority.clone(),
            what: what.to_string(),
        }
    }

    fn unreadable(&self, what: impl std::fmt::Display) -> HttpError {
        HttpError::Unreadable {
            address: self.authority.clone(),
            what: what.to_string(),
        }
    }
}

/// The problem as the server tells it; whatever it says, there is a code.
fn refused(status: u16, answer: &[u8]) -> HttpError {
    let problem: serde_json::Value = serde_json::from_slice(answer).unwrap_or_default();
    let text = |key: &str| problem.get(key)?.as_str().map(str::to_owned);
    HttpError::Refused {
        status,
        code: text("code").unwrap_or_else(|| format!("http_{status}")),
        detail: text("detail")
            .or_else(|| text("title"))
            .unwrap_or_else(|| String::from_utf8_lossy(answer).chars().take(200).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        let port = |url: &str| Address::parse(url).map(|address| address.authority);
        assert_eq!(port("http://127.0.0.1:7777/").unwrap(), "127.0.0.1:7777");
        assert_eq!(port("http://game.example").unwrap(), "game.example:80");
        for wrong in ["https://a", "a:1", "http://", "http://a/b", "http://u@h"] {
            assert!(Address::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_endpoint_is_a_path_or_a_whole_address() {
        let here = Address::parse("http://h:1").unwrap();
        assert_eq!(here.websocket("/v1/ws"), "ws://h:1/v1/ws");
        assert_eq!(here.websocket("ws://other:2/v1/ws"), "ws://other:2/v1/ws");
    }
}
