//! How fast the log goes into the rows: `cargo run --release -p projector --example throughput`.
//!
//! Writes `--frames` real frames (decided by the rules, from key presses) over `--areas` areas into a broker of its own
//! that syncs lazily, then folds them into a PostgreSQL of its own, set up as the one of `worldline up`, and prints how
//! many events a second went in. With `--check` it folds them a second time and compares.

#[path = "../../replay/examples/long_history/making.rs"]
mod making;
#[path = "../../replay/examples/long_history/writing.rs"]
mod writing;

use std::time::Instant;

use anyhow::Context;
use clap::Parser;
use devstack::{NatsConfig, NatsOptions, NatsServer, PgOptions, Postgres, Tools, tools_dir};
use eventlog::streams::{self, StreamsFile};
use eventlog::{Connect, EventLog};
use past::Past;
use projector::Config;
use runtime::Shutdown;
use schemas::subjects::AREA_EVENTS;

#[derive(Parser)]
struct Args {
    /// How many frames.
    #[arg(long, default_value_t = 500_000)]
    frames: u64,
    /// Over how many areas.
    #[arg(long, default_value_t = 40)]
    areas: u32,
    /// With how many players in each.
    #[arg(long, default_value_t = 8)]
    players: u64,
    /// Events in one transaction, at most; the projector's default if it is not said.
    #[arg(long)]
    batch: Option<usize>,
    /// Compare the rows with a fold from zero.
    #[arg(long)]
    check: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let store = tempfile::tempdir().context("making a store")?;
    let tools = Tools::locate(&tools_dir())?;
    let mut server = NatsServer::start(NatsOptions {
        tools: tools.clone(),
        data_dir: store.path().join("nats"),
        port: None,
        config: NatsConfig {
            sync_always: false,
            ..NatsConfig::default()
        },
        log_file: None,
    })
    .await?;
    let mut postgres = Postgres::start(PgOptions {
        tools,
        data_dir: store.path().join("postgres"),
        port: None,
        log_file: Some(store.path().join("postgres.log")),
        durable: true,
    })
    .await?;
    let log = EventLog::connect(&Connect::to(server.url(), "throughput")).await?;
    streams::apply(&log, &StreamsFile::built_in()?).await?;
    writing::write(&server.url(), &args).await?;

    let mut config = Config::new(postgres.create_database("rows").await?);
    config.batch = args.batch.unwrap_or(config.batch);
    projector::migrate(&config).await?;
    let past = Past::of_log(log.clone());
    let shutdown = Shutdown::new();
    let events = log.stream_info(AREA_EVENTS).await?.messages;
    let begun = Instant::now();
    projector::catch_up(&config, &past, &shutdown).await?;
    let took = begun.elapsed().as_secs_f64();
    println!(
        "projected: {events} events in {took:.1} s: {:.0} a second into PostgreSQL",
        events as f64 / took
    );
    if args.check {
        let found = projector::check(&config, &past, &shutdown).await?;
        println!(
            "{} rows, {} differences",
            found.rows,
            found.differences.len()
        );
    }
    postgres.stop().await?;
    server.stop().await?;
    Ok(())
}
