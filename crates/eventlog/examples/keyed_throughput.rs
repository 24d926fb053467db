//! How many commands a second the keyed aggregates handle, one partition and all of them.
//!
//! `cargo run --release -p eventlog --example keyed_throughput`; figures in docs/adr/0006.

#[path = "../tests/keyed/purse.rs"]
mod purse;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use eventlog::keyed::Keyed;
use eventlog::streams::StreamsFile;
use eventlog::{Connect, EventLog, Requester, streams};
use futures_util::StreamExt;
use futures_util::stream;
use schemas::subjects::{Domain, PARTITIONS, fixed_hash};
use schemas::{CharacterId, EdgeId};
use tokio_util::sync::CancellationToken;

use purse::{PurseCommand, Purses};

const COMMANDS: usize = 2_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let broker = devstack::test::broker().await?;
    let log = EventLog::connect(&Connect::to(broker.url(), "measure")).await?;
    streams::apply(&log, &StreamsFile::built_in()?).await?;
    let keyed = Keyed::open(log.clone(), Arc::new(Purses)).await?;
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn(keyed.serve(shutdown.clone()));
    let requester = Requester::new(log, EdgeId(9)).await?;

    let all: Vec<String> = (0..4_096).map(|n| CharacterId(n).to_string()).collect();
    let of_one: Vec<String> = all
        .iter()
        .filter(|key| fixed_hash(key).is_multiple_of(PARTITIONS))
        .cloned()
        .collect();
    for (what, keys, at_once) in [
        ("one partition, one asker", &of_one, 1),
        ("one partition, 64 askers", &of_one, 64),
        ("all partitions, one asker", &all, 1),
        ("all partitions, 64 askers", &all, 64),
        ("all partitions, 512 askers", &all, 512),
    ] {
        measure(&requester, what, keys, at_once).await?;
    }
    shutdown.cancel();
    serving.await??;
    Ok(())
}

async fn measure(
    requester: &Requester,
    what: &str,
    keys: &[String],
    at_once: usize,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let asking = (0..COMMANDS).map(async |n| {
        let asked = Instant::now();
        let command = PurseCommand::Put { coins: 1 };
        let key = &keys[n % keys.len()];
        let answer = requester.ask::<_, u64>(Domain::Lobby, key, &command, Duration::from_secs(60));
        answer.await?.map_err(anyhow::Error::from)?;
        anyhow::Ok(asked.elapsed())
    });
    let mut waited = Vec::new();
    let mut answers = stream::iter(asking).buffer_unordered(at_once);
    while let Some(answer) = answers.next().await {
        waited.push(answer?);
    }
    let per_second = COMMANDS as f64 / began.elapsed().as_secs_f64();
    waited.sort_unstable();
    let at = |share: usize| waited.get(waited.len() * share / 100).copied();
    let (middle, slow) = at(50).zip(at(99)).context("no answers")?;
    println!("{what:<28} {per_second:>7.0} commands/s   p50 {middle:>9.2?}   p99 {slow:>9.2?}");
    Ok(())
}
