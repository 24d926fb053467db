//! A websocket with the game's subprotocol and buffers of a size that two thousand of them can have.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

const BUFFER: usize = 4096;
const LARGEST_MESSAGE: usize = 1 << 20;
const DEADLINE: Duration = Duration::from_secs(10);

/// An open websocket.
pub type Socket = WebSocketStream<TcpStream>;

/// Why no websocket was opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No `ws://host:port/path`.
    #[error("{0:?} is not an address like ws://127.0.0.1:7777/v1/ws")]
    BadAddress(String),
    /// Nobody listens there now: try again, or elsewhere.
    #[error("{url}: {source}")]
    Unreachable {
        /// Where.
        url: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It was no websocket of ours that answered.
    #[error("{url}: {source}")]
    Handshake {
        /// Where.
        url: String,
        /// What went wrong.
        source: Box<Error>,
    },
    /// No answer in ten seconds.
    #[error("{0}: no websocket in {DEADLINE:?}")]
    TimedOut(String),
}

/// Opens `url` (`ws://host:port/path`) with `subprotocol`.
///
/// # Errors
/// See [`OpenError`].
pub async fn open(url: &str, subprotocol: &str) -> Result<Socket, OpenError> {
    let bad = || OpenError::BadAddress(url.to_owned());
    let mut request = url.into_client_request().map_err(|_| bad())?;
    let protocol = HeaderValue::from_str(subprotocol).map_err(|_| bad())?;
    request
        .headers_mut()
        .insert("sec-websocket-protocol", protocol);
    let authority = request.uri().authority().ok_or_else(bad)?.to_string();
    let connect = async {
        let stream = TcpStream::connect(&authority).await;
        let stream = stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
        let stream = stream.map_err(|source| OpenError::Unreachable {
            url: url.to_owned(),
            source,
        })?;
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(LARGEST_MESSAGE))
            .max_frame_size(Some(LARGEST_MESSAGE));
        match client_async_with_config(request, stream, Some(config)).await {
            Ok((socket, _)) => Ok(socket),
            Err(source) => Err(OpenError::Handshake {
                url: url.to_owned(),
                source: Box::new(source),
            }),
        }
    };
    // Boxed: the handshake's state is large, and a bot keeps its task small.
    tokio::time::timeout(DEADLINE, Box::pin(connect))
        .await
        .unwrap_or_else(|_| Err(OpenError::TimedOut(url.to_owned())))
}

/// The bytes a server's message took on the wire, with the websocket's own header.
#[must_use]
pub fn wire_bytes(message: &Message) -> u64 {
    let payload = message.len();
    let header = match payload {
        0..=125 => 2,
        126..=65_535 => 4,
        _ => 10,
    };
    (payload + header) as u64
}
