//! How many come in, and how fast: logins by token at a steady rate, or each all the way into the world.
//!
//!     cargo run --release -p bots --example logins -- --url http://127.0.0.1:7777 --rate 200 --seconds 60
//!     cargo run --release -p bots --example logins -- --url http://127.0.0.1:7777 --rate 5 --seconds 60 --into-world
//!
//! Some guests are made beforehand; then one of them comes back at every beat, whether the one before is through or
//! not, so that a slow server is seen as slow. Without `--into-world` coming back is one refresh token for the next
//! tokens; with it, it goes on to a ticket, a websocket and the first picture of the area.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context;
use bots::login::Guest;
use bots::{Address, login, socket};
use clap::Parser;
use futures_util::{SinkExt, StreamExt};
use schemas::wire::{ClientMessage, Encoding, PROTOCOL, SUBPROTOCOLS, ServerMessage};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

#[derive(Debug, Clone, Parser)]
struct Args {
    /// The edge.
    #[arg(long, default_value = "http://127.0.0.1:7777")]
    url: String,
    /// Logins in a second.
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// For how long, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// How many guests take turns.
    #[arg(long, default_value_t = 100)]
    guests: u32,
    /// All the way to the first picture of the world, and out again.
    #[arg(long)]
    into_world: bool,
}

/// What a login answers, as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
}

/// One of those who take turns.
struct Caller {
    guest: Guest,
    refresh_token: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let server = Arc::new(Address::parse(&args.url)?);
    let (back, mut idle) = mpsc::unbounded_channel();
    for n in 0..args.guests {
        let name = format!("Login {:04x} {n}", rand_bits());
        let body = json!({ "name": name });
        let whole: serde_json::Value = server.post("/v1/guest", None, &body).await?;
        let tokens: Tokens = serde_json::from_value(whole.clone())?;
        back.send(Caller {
            guest: serde_json::from_value(whole)?,
            refresh_token: tokens.refresh_token,
        })?;
    }
    let times = Arc::new(Mutex::new(Vec::new()));
    let mut failures = 0_u64;
    let mut calls = JoinSet::new();
    let total = u64::from(args.rate) * u64::from(args.seconds);
    let mut beat = tokio::time::interval(Duration::from_secs(1) / args.rate);
    let began = Instant::now();
    for _ in 0..total {
        beat.tick().await;
        let mut caller = idle.recv().await.context("nobody is left")?;
        let (server, back, times) = (server.clone(), back.clone(), times.clone());
        let into_world = args.into_world;
        calls.spawn(async move {
            let began = Instant::now();
            let result = come_back(&server, &mut caller, into_world).await;
            let told = result.map(|took| {
                let took = took.unwrap_or_else(|| began.elapsed());
                times.lock().map(|mut times| times.push(took)).is_ok()
            });
            // Nobody waits when the run is over.
            drop(back.send(caller));
            told.map(drop)
        });
        while let Some(ended) = calls.try_join_next() {
            failures += told(ended?);
        }
    }
    while let Some(ended) = calls.join_next().await {
        failures += told(ended?);
    }
    let elapsed = began.elapsed().as_secs_f64();
    let mut times = times
        .lock()
        .map_or_else(|_| Vec::new(), |times| times.clone());
    times.sort_unstable();
    let at = |share: f64| {
        let index = ((times.len() as f64 - 1.0) * share) as usize;
        times.get(index).map_or(0.0, |t| t.as_secs_f64() * 1000.0)
    };
    println!(
        "{}",
        json!({
            "what": if args.into_world { "token to first picture" } else { "refresh" },
            "asked": total,
            "done": times.len(),
            "failed": failures,
            "per_second": (times.len() as f64 / elapsed * 10.0).round() / 10.0,
            "ms": { "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": at(1.0) },
        })
    );
    anyhow::ensure!(failures == 0, "{failures} logins failed");
    Ok(())
}

fn told(result: anyhow::Result<()>) -> u64 {
    match result {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error:#}");
            1
        }
    }
}

/// One login; how long it took, when its end is not also the end of the visit.
async fn come_back(
    server: &Address,
    caller: &mut Caller,
    into_world: bool,
) -> anyhow::Result<Option<Duration>> {
    let began = Instant::now();
    let body = json!({ "refresh_token": caller.refresh_token });
    let tokens: Tokens = server.post("/v1/refresh", None, &body).await?;
    caller.refresh_token = tokens.refresh_token;
    caller.guest.access_token = tokens.access_token;
    if !into_world {
        return Ok(None);
    }
    let ticket = login::ticket(server, &caller.guest).await?;
    let url = server.websocket(&ticket.endpoint);
    let mut socket = socket::open(&url, SUBPROTOCOLS[0]).await?;
    let mut say = async |message: ClientMessage| {
        let bytes = Encoding::MsgPack.encode(&message);
        socket.send(Message::Binary(bytes.into())).await?;
        Ok::<_, anyhow::Error>(())
    };
    say(ClientMessage::Identify {
        protocol: PROTOCOL,
        ticket: ticket.ticket,
        client: "worldline-logins".into(),
    })
    .await?;
    let mut took = None;
    while let Some(message) = socket.next().await {
        match message? {
            Message::Binary(bytes) => {
                let message: ServerMessage = Encoding::MsgPack.decode(&bytes)?;
                if matches!(message, ServerMessage::Area { .. }) && took.is_none() {
                    took = Some(began.elapsed());
                    let leave = ClientMessage::Leave { client_seq: 1 };
                    let bytes = Encoding::MsgPack.encode(&leave);
                    socket.send(Message::Binary(bytes.into())).await?;
                }
            }
            Message::Close(_) => break,
            _ => {}
        }
    }
    took.context("the socket was closed before the first picture")
        .map(Some)
}

/// Some bits that another run does not have.
fn rand_bits() -> u16 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| since.subsec_nanos() as u16)
}
