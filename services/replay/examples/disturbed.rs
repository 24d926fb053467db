//! What a running world feels of something that reads its past:
//! `cargo run --release -p replay --example disturbed -- [--rounds N] [--seconds N] ADDRESS… -- COMMAND…`
//!
//! Beside `worldline up --bots 200 --data-dir DIR`; the addresses are where it and its workers serve their metrics (each
//! log in `DIR/log` begins with one). In turns, `--seconds` without and as long with COMMAND, which is
//! started again whenever it ends (`{}` in its arguments is replaced by a number of its own). The 99th percentiles of
//! what the stack measures of itself are printed for each turn, and the median of their differences.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// What is looked at: a tick's work, how late it began, the append of its frame, and a player's wait for the answer.
const WATCHED: [&str; 4] = [
    "worldline_tick_seconds",
    "worldline_tick_late_seconds",
    "worldline_append_seconds",
    "worldline_input_ack_seconds",
];

#[derive(Parser)]
struct Args {
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Where metrics are served, `127.0.0.1:7777`.
    #[arg(required = true)]
    addresses: Vec<String>,
    /// What may disturb.
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// How many observations there were up to each bound, in seconds, by metric.
type Counts = BTreeMap<String, Vec<(f64, f64)>>;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut differences: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for round in 0..args.rounds {
        let alone = turn(&args, None).await?;
        let disturbed = turn(&args, Some(round)).await?;
        for name in WATCHED {
            let (before, after) = (alone[name], disturbed[name]);
            println!("{name}: p99 {before:.2} ms alone, {after:.2} ms disturbed");
            differences.entry(name).or_default().push(after - before);
        }
    }
    for (name, mut of) in differences {
        of.sort_by(f64::total_cmp);
        let (median, most) = (of[of.len() / 2], of[of.len() - 1]);
        println!("{name}: {median:+.2} ms in the median, {most:+.2} ms at most");
    }
    Ok(())
}

/// The 99th percentiles of a turn, in milliseconds.
async fn turn(args: &Args, disturbing: Option<u32>) -> anyhow::Result<BTreeMap<&'static str, f64>> {
    let before = counts(&args.addresses).await?;
    let end = Instant::now() + Duration::from_secs(args.seconds);
    let mut runs = 0;
    while let Some(round) = disturbing
        && Instant::now() < end
    {
        let name = format!("{round}-{runs}");
        disturb(&args.command, &name, end).await?;
        runs += 1;
    }
    tokio::time::sleep_until(end).await;
    let after = counts(&args.addresses).await?;
    let mut turn = BTreeMap::new();
    for name in WATCHED {
        let (before, after) = (before.get(name), after.get(name));
        let p99 = before
            .zip(after)
            .and_then(|(before, after)| quantile(before, after, 0.99));
        turn.insert(name, p99.with_context(|| format!("no {name}"))? * 1000.0);
    }
    Ok(turn)
}

/// Runs the command until its end, or until the turn's.
async fn disturb(command: &[String], name: &str, end: Instant) -> anyhow::Result<()> {
    let mut words = command.iter().map(|word| word.replace("{}", name));
    let program = words.next().context("a command")?;
    let mut child = tokio::process::Command::new(&program)
        .args(words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("starting {program}"))?;
    match timeout_at(end, child.wait()).await {
        Ok(ended) => {
            let ended = ended?;
            ensure!(ended.success(), "{program} ended with {ended}");
        }
        Err(_) => child.kill().await?,
    }
    Ok(())
}

/// What all have observed until now.
async fn counts(addresses: &[String]) -> anyhow::Result<Counts> {
    let mut counts: BTreeMap<String, BTreeMap<u64, (f64, f64)>> = BTreeMap::new();
    for address in addresses {
        for line in metrics(address).await?.lines() {
            let Some((name, rest)) = line.split_once("_bucket{") else {
                continue;
            };
            let bound = rest
                .split_once("le=\"")
                .and_then(|(_, rest)| rest.split_once('"'));
            let (Some((bound, _)), Some((_, count))) = (bound, line.rsplit_once(' ')) else {
                continue;
            };
            let bound: f64 = bound.replace("+Inf", "inf").parse()?;
            let of = counts.entry(name.to_owned()).or_default();
            // Bounds are positive, so their bits are in their order.
            let sum = of.entry(bound.to_bits()).or_insert((bound, 0.0));
            sum.1 += count.parse::<f64>()?;
        }
    }
    let in_order = |of: BTreeMap<u64, (f64, f64)>| of.into_values().collect();
    Ok(counts
        .into_iter()
        .map(|(name, of)| (name, in_order(of)))
        .collect())
}

async fn metrics(address: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("asking {address}"))?;
    let request = format!("GET /metrics HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}

/// Of what was observed in between; within a bucket as if evenly spread, as Prometheus' `histogram_quantile` does.
fn quantile(before: &[(f64, f64)], after: &[(f64, f64)], share: f64) -> Option<f64> {
    let buckets: Vec<(f64, f64)> = after
        .iter()
        .map(|(bound, count)| {
            let earlier = before.iter().find(|(other, _)| other == bound);
            (*bound, count - earlier.map_or(0.0, |(_, count)| *count))
        })
        .collect();
    let wanted = buckets.last()?.1 * share;
    let (mut lower, mut below) = (0.0, 0.0);
    for (bound, count) in buckets {
        if count >= wanted && count > below {
            let within = (wanted - below) / (count - below);
            let bound = if bound.is_finite() { bound } else { lower };
            return Some(lower + (bound - lower) * within);
        }
        (lower, below) = (bound, count);
    }
    None
}
