//! How fast `FACTS` is filled, and what a world that is played meanwhile feels of it.
//!
//! `cargo run --release -p projector --example facts_rate`. On a broker of its own that has every message on its disk before it
//! acknowledges, as in production: a day's events are told without a limit, for the rate; then again at the default pace, while
//! frames are appended every 40 ms, whose times are compared with those of a quiet broker. Ends by itself.

#[path = "../tests/analysts/day.rs"]
#[allow(dead_code, reason = "the tests' day counts more than is asked here")]
mod day;
#[path = "../../replay/tests/sample/mod.rs"]
mod sample;

use std::time::{Duration, Instant};

use anyhow::Context;
use devstack::test::TestBroker;
use eventlog::streams::{self, StreamsFile};
use eventlog::{Connect, EventLog, Follow};
use past::Past;
use projector::facts::{Config, fill};
use runtime::{Shutdown, Span};
use schemas::Sequence;
use schemas::subjects::FACTS;

/// Of a frame of a hundred players.
const FRAME: usize = 2000;

async fn broker_after(day: &day::Day) -> anyhow::Result<(TestBroker, EventLog)> {
    let server = devstack::test::broker().await?;
    let log = EventLog::connect(&Connect::to(server.url(), "projector")).await?;
    streams::apply(&log, &StreamsFile::built_in()?).await?;
    for stream in [
        "AREA_EVENTS",
        "IDENTITY_EVENTS",
        "LOBBY_EVENTS",
        "CONTROL_EVENTS",
    ] {
        let mut reader = day
            .log
            .read(stream, Vec::new(), Sequence(0), Follow::UntilHead);
        while let Some(record) = reader.next().await? {
            let mut appender = log.appender(&record.subject).await?;
            appender.append(record.payload, None).await?;
        }
    }
    Ok((server, log))
}

fn everything(max_rate: u32) -> Config {
    Config {
        since: Span::from_secs(200 * 365 * 86_400),
        leave_out: Vec::new(),
        max_rate,
        ..Config::default()
    }
}

/// Appends frames, 25 a second, until told to stop; how long each took, sorted.
async fn play(log: &EventLog, stop: &Shutdown) -> anyhow::Result<Vec<Duration>> {
    let mut appender = log.appender("evt.area.meadow-9").await?;
    let mut beat = tokio::time::interval(Duration::from_millis(40));
    let mut took = Vec::new();
    while !stop.has_begun() {
        beat.tick().await;
        let begun = Instant::now();
        appender.append(vec![0; FRAME].into(), None).await?;
        took.push(begun.elapsed());
    }
    took.sort();
    Ok(took)
}

fn told(of: &[Duration]) -> String {
    let at = |share: f64| of.get((of.len() as f64 * share) as usize).copied();
    let ms = |share| at(share).unwrap_or_default().as_secs_f64() * 1000.0;
    format!("p50 {:.2} ms, p99 {:.2} ms", ms(0.5), ms(0.99))
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let day = day::play(20, 3000).await;
    let (_server, log) = broker_after(&day).await?;
    let past = Past::from(log.clone());
    let begun = Instant::now();
    fill(&everything(u32::MAX), &past, &Shutdown::new()).await?;
    let events = log.stream_info(FACTS).await?.messages;
    let rate = events as f64 / begun.elapsed().as_secs_f64();
    println!("without a limit: {events} events, {rate:.0} a second");

    let (_server, log) = broker_after(&day).await?;
    let player = EventLog::connect(&Connect::to(_server.url(), "worker")).await?;
    let stop = Shutdown::new();
    let quiet = tokio::spawn({
        let (player, stop) = (player.clone(), stop.clone());
        async move { play(&player, &stop).await }
    });
    tokio::time::sleep(Duration::from_secs(8)).await;
    stop.begin();
    let quiet = quiet.await?.context("a quiet world")?;
    println!("frames, quiet:        {}", told(&quiet));

    let stop = Shutdown::new();
    let busy = tokio::spawn({
        let (player, stop) = (player.clone(), stop.clone());
        async move { play(&player, &stop).await }
    });
    let begun = Instant::now();
    let past = Past::from(log.clone());
    let pace = everything(Config::default().max_rate);
    // What the player above has appended is no frame; it is passed over with a word.
    fill(&pace, &past, &Shutdown::new()).await?;
    stop.begin();
    let busy = busy.await?.context("a busy world")?;
    let told_now = log.stream_info(FACTS).await?.messages;
    let rate = told_now as f64 / begun.elapsed().as_secs_f64();
    println!(
        "frames, while told:   {} ({rate:.0} events a second)",
        told(&busy)
    );
    Ok(())
}
