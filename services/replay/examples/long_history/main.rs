//! A long history, and how fast it can be opened: `cargo run --release -p replay --example long_history`.
//!
//! Writes `--frames` real frames (decided by the rules, from key presses) over `--areas` areas into a broker of its own
//! that syncs lazily, unless the store holds as many already. Then it measures, and prints
//! - how fast a bare ordered consumer reads them, and how fast the same are read and folded with every check,
//! - how long the index of history snapshots takes to be made,
//! - how long `show` takes at ticks drawn at random, after the broker was started anew.
//!
//! The store is kept if it is named (`--store DIR`), and is gone at the end if not.

mod making;
mod measuring;
mod writing;

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use devstack::{NatsConfig, NatsOptions, NatsServer, Tools, tools_dir};
use eventlog::streams::{self, StreamsFile};
use eventlog::{Connect, EventLog};
use schemas::subjects::AREA_EVENTS;

#[derive(Parser)]
struct Args {
    /// How many frames.
    #[arg(long, default_value_t = 10_000_000)]
    frames: u64,
    /// Over how many areas.
    #[arg(long, default_value_t = 40)]
    areas: u32,
    /// With how many players in each.
    #[arg(long, default_value_t = 8)]
    players: u64,
    /// Frames that are read for the comparison with a bare consumer.
    #[arg(long, default_value_t = 2_000_000)]
    compared: u64,
    /// Ticks at which `show` is asked.
    #[arg(long, default_value_t = 40)]
    shows: u32,
    /// Where the broker keeps them.
    #[arg(long)]
    store: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let (store, _gone_at_the_end) = match &args.store {
        Some(store) => (store.clone(), None),
        None => {
            let own = tempfile::tempdir().context("making a store")?;
            (own.path().to_owned(), Some(own))
        }
    };
    let mut server = NatsServer::start(NatsOptions {
        tools: Tools::locate(&tools_dir())?,
        data_dir: store.join("nats"),
        port: None,
        config: NatsConfig {
            sync_always: false,
            ..NatsConfig::default()
        },
        log_file: None,
    })
    .await?;
    let log = EventLog::connect(&Connect::to(server.url(), "history")).await?;
    streams::apply(&log, &StreamsFile::built_in()?).await?;
    let held = log.stream_info(AREA_EVENTS).await?;
    if held.messages < args.frames {
        anyhow::ensure!(
            held.messages == 0,
            "the store holds {} frames, and they cannot be gone on with: remove it, or ask for fewer",
            held.messages
        );
        writing::write(&server.url(), &args).await?;
    }
    let info = log.stream_info(AREA_EVENTS).await?;
    println!("{} frames, {} MB", info.messages, info.bytes >> 20);
    measuring::reading(&server.url(), &log, args.compared).await?;
    let index = store.join("history");
    measuring::indexing(&log, &index).await?;
    server.restart().await?;
    measuring::showing(&server.url(), &index, args.shows).await?;
    drop(log);
    server.stop().await?;
    Ok(())
}
