//! How much a worker needs that holds many sleeping areas.
//!
//! `cargo run --release -p area-worker --example sleepers -- 1000` starts a broker, lets a worker own
//! so many areas until all of them sleep, then starts a second worker that is given all of them in
//! their sleep, and tells what its process needs.

use std::time::{Duration, Instant};

use anyhow::Context;
use area_worker::Config;
use bytes::Bytes;
use eventlog::streams::{self, StreamsFile};
use eventlog::{Connect, EventLog, membership};
use runtime::{Ctx, Shutdown, Span};
use schemas::control::{AreaControl, Placement};
use schemas::keyed::{KeyedEntry, Outbox};
use schemas::subjects::{Domain, keyed_events};
use schemas::{AreaId, Incarnation, Sequence, UnixMillis, encode};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let count: usize = arguments.next().map_or(Ok(1000), |n| n.parse())?;
    if let Some(url) = arguments.next() {
        return sleep_and_tell(&url, count).await;
    }
    let broker = devstack::test::broker().await?;
    let log = EventLog::connect(&Connect::to(broker.url(), "sleepers")).await?;
    streams::apply(&log, &StreamsFile::built_in()?).await?;
    for n in 1..=count {
        open(&log, &area(n)?).await?;
        place(&log, &area(n)?, "first").await?;
    }
    let begun = Instant::now();
    let shutdown = Shutdown::new();
    let config = Config {
        name: Some("first".into()),
        sleep_after: Span::from_millis(500),
        ..Config::default()
    };
    let first = tokio::spawn(area_worker::run(
        config,
        log.clone(),
        Ctx::new(shutdown.clone()),
    ));
    let asleep = || async {
        let subjects = log.subjects("AREA_EVENTS", "evt.area.*").await?;
        anyhow::Ok(subjects.len() == count && subjects.iter().all(|(_, frames)| *frames >= 2))
    };
    while !asleep().await? {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!(
        "{count} areas were taken and fell asleep in {:?}",
        begun.elapsed()
    );
    shutdown.begin();
    first.await??;
    // A process of its own, so that only what sleeping takes is counted.
    let own = std::env::current_exe()?;
    let arguments = [count.to_string(), broker.url()];
    let status = tokio::process::Command::new(own)
        .args(arguments)
        .status()
        .await?;
    anyhow::ensure!(status.success(), "the second worker failed");
    Ok(())
}

async fn sleep_and_tell(url: &str, count: usize) -> anyhow::Result<()> {
    let log = EventLog::connect(&Connect::to(url, "sleepers")).await?;
    let shutdown = Shutdown::new();
    let config = Config {
        name: Some("second".into()),
        ..Config::default()
    };
    let worker = tokio::spawn(area_worker::run(
        config,
        log.clone(),
        Ctx::new(shutdown.clone()),
    ));
    println!("before any area: {} KiB resident", resident()?);
    let begun = Instant::now();
    for n in 1..=count {
        place(&log, &area(n)?, "second").await?;
    }
    loop {
        let members = membership::members(&log).await?;
        if members
            .iter()
            .any(|m| m.worker == "second" && m.areas.len() == count)
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("{count} sleeping areas were taken in {:?}", begun.elapsed());
    let used = cpu()?;
    tokio::time::sleep(Duration::from_secs(10)).await;
    println!("with {count} sleeping areas: {} KiB resident", resident()?);
    println!("in 10 s they took {} ms of a core", (cpu()? - used) * 10);
    shutdown.begin();
    worker.await?
}

fn area(n: usize) -> anyhow::Result<AreaId> {
    Ok(AreaId::new(format!("harbor-{n}"))?)
}

async fn open(log: &EventLog, area: &AreaId) -> anyhow::Result<()> {
    let entry = KeyedEntry::<(), AreaControl> {
        v: 1,
        at: UnixMillis::now(),
        incarnation: Incarnation(0),
        handled: Sequence(0),
        events: Vec::new(),
        state: AreaControl {
            map: Some(area.map().to_owned()),
            seed: 7,
            ..AreaControl::default()
        },
        outbox: Outbox::default(),
        answered: None,
    };
    let mut appender = log
        .appender(&keyed_events(Domain::Control, area.as_str()))
        .await?;
    appender.append(encode(&entry).into(), None).await?;
    Ok(())
}

async fn place(log: &EventLog, area: &AreaId, worker: &str) -> anyhow::Result<()> {
    let placement = Placement {
        area: area.clone(),
        worker: Some(worker.to_owned()),
        generation: 1,
        quarantined: false,
        successor: None,
    };
    let bucket = log.bucket("placements").await?;
    bucket
        .put(area.as_str(), Bytes::from(encode(&placement)))
        .await?;
    Ok(())
}

/// Resident memory, KiB.
fn resident() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let text = line.context("no VmRSS")?.trim().trim_end_matches(" kB");
    Ok(text.parse()?)
}

/// Time on a core, in hundredths of a second.
fn cpu() -> anyhow::Result<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or("")
        .split_whitespace()
        .collect();
    let number = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok());
    Ok(number(11).context("utime")? + number(12).context("stime")?)
}
