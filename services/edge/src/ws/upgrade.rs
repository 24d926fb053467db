//! From an HTTP request to a websocket: who may, in which encoding, with which buffers.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use schemas::wire::{CloseCode, Encoding, MAX_INBOUND_BYTES, SUBPROTOCOLS};
use tokio::time::Instant;

use super::connection::Connection;
use super::limits::Limits;
use super::mailbox::Mailbox;
use super::socket::Socket;
use crate::http::{Problem, origin_allowed};
use crate::meters;
use crate::realm::Realm;

/// By default a connection holds 128 KiB to read into and as much to write from.
const BUFFER_BYTES: usize = 4096;
/// A little more than a client may send, so that one which does is told why it is closed.
const LARGEST_INBOUND: usize = MAX_INBOUND_BYTES * 4;

/// `GET /v1/ws`.
pub(crate) async fn upgrade(
    State(realm): State<Arc<Realm>>,
    headers: HeaderMap,
    request: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(request) = request else {
        return Problem::NO_WEBSOCKET.into_response();
    };
    if !origin_allowed(&headers, &realm.config.origins) {
        meters::refused("origin");
        return Problem::BAD_ORIGIN.into_response();
    }
    let request = request.protocols(SUBPROTOCOLS);
    let chosen = request
        .selected_protocol()
        .and_then(|name| name.to_str().ok());
    let Some(encoding) = chosen.and_then(Encoding::of_subprotocol) else {
        meters::refused("subprotocol");
        return Problem::NO_SUBPROTOCOL.into_response();
    };
    request
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .max_message_size(LARGEST_INBOUND)
        .max_frame_size(LARGEST_INBOUND)
        .on_upgrade(move |socket| serve(realm, socket, encoding))
}

async fn serve(realm: Arc<Realm>, socket: WebSocket, encoding: Encoding) {
    let mailbox = Arc::new(Mailbox::default());
    let mut socket = Socket::new(socket, encoding);
    let Some(id) = realm.connections.enter(&mailbox) else {
        meters::closed(CloseCode::Full);
        socket
            .close(CloseCode::Full, "this edge is full; try again later")
            .await;
        return;
    };
    realm.meters.connections.increment(1);
    let now = Instant::now();
    let limits = Limits::new(&realm.rates, now.into_std());
    let connection = Connection {
        realm,
        id,
        mailbox,
        socket,
        limits,
        session: None,
        observing: None,
        opened_at: now,
        heard_at: now,
        leaving_at: None,
    };
    connection.run().await;
}
