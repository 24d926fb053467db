//! The edge: holds the players' sockets, and is a reader of the log like any other.
//!
//! - `http`: login, tickets, maps, the web client, health and metrics.
//! - `ws`: one task per websocket: handshake, limits, heartbeat, close codes.
//! - `replica`: one task per area: folds its frames and tells its clients what is near.
//! - `interest`: which bodies a client is sent, and the chunks that clients share.
//! - `commands`: the players' commands on their way to the log, in groups.
//! - `resources`: the version that clients shall have, and its files.
//! - `recording`: a recorded world, shown instead of the living one.
//! - `resume`: going on after a lost socket, on this edge or another.
//!
//! It decides nothing: what a player may do is the area's to say, who a player is the lobby's.
//! `docs/protocol.md` tells the same from the outside.

mod attempts;
mod character_name;
mod characters;
mod client_address;
mod commands;
mod config;
mod drain;
mod edges;
mod http;
mod interest;
mod keys;
mod login;
mod meters;
mod names;
mod networks;
mod online;
mod persons;
mod realm;
mod recording;
mod replica;
mod resources;
mod resume;
mod revoked;
mod watching;
mod ws;

pub use config::Config;
pub use recording::{Find, Finding, Recording, Stood};

/// The key under which the name of a character is reserved, with all that look like it.
#[must_use]
pub fn character_name_key(locator: &schemas::locate::Locator, name: &str) -> schemas::Digest {
    character_name::CharacterName::given(name).place(locator)
}

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use axum::serve::ListenerExt;
use eventlog::EventLog;
use runtime::{Ctx, Shutdown};
use tokio::net::{TcpListener, TcpSocket};

use crate::realm::Realm;

/// What the system may hold for one client; enough for a picture or a second of frames.
const SEND_BUFFER_BYTES: u32 = 32 * 1024;
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Runs an edge on the configured address until the shutdown begins, then sends its clients away.
///
/// # Errors
/// When the address cannot be listened on, or the broker refuses.
pub async fn run(config: Config, log: EventLog, ctx: Ctx) -> anyhow::Result<()> {
    let listener = listen(config.listen).with_context(|| {
        format!(
            "listening on {} (edge.listen): is another edge running there?",
            config.listen
        )
    })?;
    serve(config, log, ctx, listener).await
}

/// Listens for players on `address`.
///
/// What the system has taken of a message is on its way for good; if it took much, a slow client
/// would be shown the past. So it takes little, and the edge notices early.
///
/// # Errors
/// When the address is taken or not ours.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// As [`run`], on a listener that is bound already.
///
/// # Errors
/// When the broker refuses.
pub async fn serve(
    config: Config,
    log: EventLog,
    ctx: Ctx,
    listener: TcpListener,
) -> anyhow::Result<()> {
    let realm = Realm::begin(config, log, None).await.context("beginning")?;
    let router = http::router(realm.clone(), ctx.health.clone());
    let announcing = tokio::spawn(edges::announce(Arc::downgrade(&realm)));
    let leaving = async {
        announcing.abort();
        edges::leave(&realm).await;
    };
    serve_realm(&realm, router, &ctx, listener, leaving).await
}

/// Shows a recorded world on a listener that is bound already, until the shutdown begins. Everybody who connects is an
/// observer; nobody can log in or play, and no broker is asked for anything but the recording.
///
/// # Errors
/// When a key in `config` is none.
pub async fn show(
    config: Config,
    recording: Recording,
    ctx: Ctx,
    listener: TcpListener,
) -> anyhow::Result<()> {
    // What an edge keeps besides areas is of the living: here it begins empty and ends with the process.
    let (nowhere, _) = EventLog::in_memory();
    let realm = Realm::begin(config, nowhere, Some(recording))
        .await
        .context("beginning")?;
    let router = http::past_router(realm.clone(), ctx.health.clone());
    serve_realm(&realm, router, &ctx, listener, async {}).await
}

/// Serves until the shutdown begins, then sends the clients away.
async fn serve_realm(
    realm: &Arc<Realm>,
    router: axum::Router,
    ctx: &Ctx,
    listener: TcpListener,
    leaving: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let health = ctx.health.check("edge");
    let address = listener
        .local_addr()
        .context("asking for the edge's port")?;
    // Small frames leave at once.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "frames may wait for each other");
        }
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    // New clients are taken until the last old one has gone: they may be those who come back.
    let serving = Shutdown::new();
    let stop = serving.clone();
    let server = tokio::spawn(async move {
        axum::serve(listener, service)
            .with_graceful_shutdown(async move { stop.cancelled().await })
            .await
    });
    tracing::info!(%address, edge.id = %realm.edge, "the edge listens");
    health.ready();
    ctx.shutdown.cancelled().await;
    health.not_ready("leaving");
    leaving.await;
    drain::drain(realm, realm.config.drain.duration()).await;
    serving.begin();
    // A browser's idle connection must not hold up the process.
    drop(tokio::time::timeout(std::time::Duration::from_secs(1), server).await);
    Ok(())
}
