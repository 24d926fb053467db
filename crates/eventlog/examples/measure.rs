//! How fast the log is on this machine: `cargo run --release -p eventlog --example measure [url]`.
//!
//! Without a URL it starts a broker of its own, with `sync_interval: always`. It prints one table;
//! read the figures as proportions.

use std::time::{Duration, Instant};

use bytes::Bytes;
use devstack::test::TestBroker;
use eventlog::streams::{self, StreamsFile};
use eventlog::{Connect, EventLog, Follow};
use schemas::Sequence;

const PAYLOAD: usize = 400;
const ROUNDS: usize = 2000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (_broker, url) = broker().await?;
    let log = EventLog::connect(&Connect::to(url, "measure")).await?;
    streams::apply(&log, &StreamsFile::built_in()?).await?;
    println!("{PAYLOAD} bytes a message, {ROUNDS} messages a row");
    println!(
        "{:<34} {:>9} {:>9} {:>9} {:>9}",
        "", "p50 µs", "p99 µs", "max µs", "per s"
    );

    appends(&log, 1).await?;
    appends(&log, 8).await?;
    appends(&log, 32).await?;
    sends(&log, 1).await?;
    sends(&log, 8).await?;
    live(&log).await?;
    catch_up(&log).await?;
    Ok(())
}

async fn broker() -> anyhow::Result<(Option<TestBroker>, String)> {
    if let Some(url) = std::env::args().nth(1) {
        return Ok((None, url));
    }
    let broker = devstack::test::broker().await?;
    let url = broker.url();
    Ok((Some(broker), url))
}

/// `writers` areas, each with one frame in flight.
async fn appends(log: &EventLog, writers: usize) -> anyhow::Result<()> {
    let begun = Instant::now();
    let tasks = (0..writers).map(|writer| {
        let log = log.clone();
        tokio::spawn(async move {
            let subject = format!("evt.area.area-{writers}-{writer}");
            let mut appender = log.appender(&subject).await?;
            let mut times = Vec::new();
            for _ in 0..ROUNDS / writers {
                let begun = Instant::now();
                appender.append(Bytes::from(vec![7; PAYLOAD]), None).await?;
                times.push(begun.elapsed());
            }
            anyhow::Ok(times)
        })
    });
    let times = gather(tasks.collect()).await?;
    row(
        &format!("append, {writers} areas at once"),
        times,
        begun.elapsed(),
    );
    Ok(())
}

async fn sends(log: &EventLog, senders: usize) -> anyhow::Result<()> {
    let begun = Instant::now();
    let tasks = (0..senders).map(|sender| {
        let log = log.clone();
        tokio::spawn(async move {
            let subject = format!("cmd.area.harbor-1.edge-{sender}");
            let mut times = Vec::new();
            for _ in 0..ROUNDS / senders {
                let begun = Instant::now();
                log.send(&subject, Bytes::from(vec![7; PAYLOAD]), None)
                    .await?;
                times.push(begun.elapsed());
            }
            anyhow::Ok(times)
        })
    });
    let times = gather(tasks.collect()).await?;
    row(
        &format!("send, {senders} edges at once"),
        times,
        begun.elapsed(),
    );
    Ok(())
}

/// From the beginning of an append until a follower has it.
async fn live(log: &EventLog) -> anyhow::Result<()> {
    let mut appender = log.appender("evt.area.live-1").await?;
    let mut live = log.live("evt.area.live-1", Sequence(0)).await?;
    let mut times = Vec::new();
    let all = Instant::now();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let append = appender.append(Bytes::from(vec![7; PAYLOAD]), None);
        let (appended, record) = tokio::join!(append, live.next());
        anyhow::ensure!(appended? == record?.sequence, "another record");
        times.push(begun.elapsed());
    }
    row("append until followed live", times, all.elapsed());
    Ok(())
}

async fn catch_up(log: &EventLog) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut reader = log.read("AREA_EVENTS", vec![], Sequence(0), Follow::UntilHead);
    let mut count = 0_u32;
    while reader.next().await?.is_some() {
        count += 1;
    }
    let per_second = f64::from(count) / begun.elapsed().as_secs_f64();
    println!(
        "{:<34} {:>39.0}",
        format!("catch-up, {count} messages"),
        per_second
    );
    Ok(())
}

async fn gather(
    tasks: Vec<tokio::task::JoinHandle<anyhow::Result<Vec<Duration>>>>,
) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    Ok(times)
}

fn row(what: &str, mut times: Vec<Duration>, all: Duration) {
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_micros();
    let per_second = times.len() as f64 / all.as_secs_f64();
    println!(
        "{what:<34} {:>9} {:>9} {:>9} {per_second:>9.0}",
        at(50),
        at(99),
        at(100)
    );
}
