//! A run from the first login to the report.

use std::future::Future;
use std::process::ExitCode;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::args::Args;
use crate::bot::Bot;
use crate::http::Address;
use crate::maps::Maps;
use crate::names;
use crate::own_body::LastSeen;
use crate::report::Report;
use crate::tally::Tally;

/// How long outstanding outcomes are awaited at most once the inputs have stopped; a loaded machine needs some of it.
const DRAIN: Duration = Duration::from_secs(15);
/// How long leaving may take.
const LEAVE: Duration = Duration::from_secs(10);

/// What all bots do at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// They come in, and stand until all are there.
    Joining,
    /// They play.
    Playing,
    /// They give no more commands.
    Draining,
    /// They leave.
    Leaving,
}

/// What the bots of a run share.
pub(crate) struct Run {
    pub(crate) args: Args,
    pub(crate) servers: Vec<Address>,
    pub(crate) tally: Tally,
    pub(crate) maps: Maps,
    /// What each bot was last shown of itself, by its number.
    pub(crate) seen: Vec<Mutex<LastSeen>>,
    /// Sets this run's characters apart from those of the last one.
    pub(crate) label: String,
}

impl Run {
    /// What each bot was last shown of itself, those that never joined left out.
    pub(crate) fn last_seen(&self) -> Vec<LastSeen> {
        self.seen
            .iter()
            .map(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .filter(|seen| !seen.area.is_empty())
            .collect()
    }
}

/// Runs for the time asked for.
///
/// # Errors
/// When the arguments make no sense; whatever the servers do is in the report.
pub async fn run(args: Args) -> anyhow::Result<Report> {
    run_until(args, std::future::pending()).await
}

/// Runs for the time asked for, or until `stop` is there; the report comes either way.
///
/// # Errors
/// As [`run`].
pub async fn run_until(args: Args, stop: impl Future<Output = ()>) -> anyhow::Result<Report> {
    let run = prepare(args)?;
    let (set_phase, _) = watch::channel(Phase::Joining);
    Ok(through_all_phases(&run, &set_phase, stop).await)
}

/// Checks what was asked for before anything starts.
pub(crate) fn prepare(args: Args) -> anyhow::Result<Arc<Run>> {
    let servers: Result<Vec<Address>, _> = args.url.iter().map(|url| Address::parse(url)).collect();
    let servers = servers.context("--url")?;
    anyhow::ensure!(!servers.is_empty(), "--url: no server given");
    anyhow::ensure!(
        args.inputs_per_second >= 0.0 && args.inputs_per_second <= 50.0,
        "--inputs-per-second: from 0 to 50, one a step; not {}",
        args.inputs_per_second
    );
    anyhow::ensure!(
        args.logins_per_second > 0.0,
        "--logins-per-second: more than 0"
    );
    Ok(Arc::new(Run {
        seen: (0..args.players).map(|_| Mutex::default()).collect(),
        args,
        servers,
        tally: Tally::default(),
        maps: Maps::default(),
        label: names::draw(),
    }))
}

pub(crate) async fn through_all_phases(
    run: &Arc<Run>,
    set_phase: &watch::Sender<Phase>,
    stop: impl Future<Output = ()>,
) -> Report {
    tokio::pin!(stop);
    let phase = set_phase.subscribe();
    let mut bots = JoinSet::new();
    let (played, present) = tokio::select! {
        () = all_join(run, &mut bots, &phase) => {
            tracing::info!(bots.joined = run.tally.joined.load(Relaxed), "the bots play");
            play(run, set_phase, &mut stop).await
        }
        () = &mut stop => (Duration::ZERO, run.tally.present.load(Relaxed)),
    };
    set_phase.send_replace(Phase::Draining);
    drain(&run.tally).await;
    set_phase.send_replace(Phase::Leaving);
    let left = async { while bots.join_next().await.is_some() {} };
    if timeout(LEAVE, left).await.is_err() {
        tracing::warn!(bots.left = bots.len(), "not all bots could leave in time");
        bots.shutdown().await;
    }
    // Bots that were cut off could not write their own last line.
    let forgotten = run.tally.outstanding.load(Relaxed).max(0);
    run.tally
        .unanswered
        .fetch_add(u64::try_from(forgotten).unwrap_or(0), Relaxed);
    Report::of(run, played, present)
}

/// Starts the bots at their rate and waits until each has joined or has failed to.
async fn all_join(run: &Arc<Run>, bots: &mut JoinSet<()>, phase: &watch::Receiver<Phase>) {
    let (settled, mut arrivals) = mpsc::unbounded_channel();
    let start = Instant::now();
    for number in 0..run.args.players {
        let at = f64::from(number) / run.args.logins_per_second;
        let at = start + Duration::from_secs_f64(at);
        let bot = Bot::new(number, run.clone(), phase.clone(), settled.clone());
        bots.spawn(async move {
            tokio::time::sleep_until(at).await;
            bot.live().await;
        });
    }
    drop(settled);
    for _ in 0..run.args.players {
        if arrivals.recv().await.is_none() {
            return;
        }
    }
}

/// Lets them play; returns for how long they did, and how many were there at the end.
async fn play(
    run: &Run,
    set_phase: &watch::Sender<Phase>,
    stop: &mut (impl Future<Output = ()> + Unpin),
) -> (Duration, i64) {
    let started = Instant::now();
    run.tally.measuring.store(true, Relaxed);
    set_phase.send_replace(Phase::Playing);
    if run.args.seconds == 0 {
        stop.await;
    } else {
        let time = Duration::from_secs(run.args.seconds);
        tokio::select! { () = sleep(time) => {} () = stop => {} }
    }
    run.tally.measuring.store(false, Relaxed);
    (started.elapsed(), run.tally.present.load(Relaxed))
}

async fn drain(tally: &Tally) {
    let deadline = Instant::now() + DRAIN;
    while tally.outstanding.load(Relaxed) > 0 && Instant::now() < deadline {
        sleep(Duration::from_millis(10)).await;
    }
}

/// The `bots` subcommand: runs until it is done or interrupted, and prints the report.
///
/// # Errors
/// As [`run`], and when the report cannot be printed.
pub async fn main(args: Args) -> anyhow::Result<ExitCode> {
    let json = args.json;
    let report = run_until(args, interrupted()).await?;
    if json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report}");
    }
    Ok(if report.connected == 0 && report.players > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Ctrl-C, or the SIGTERM of whoever started us.
async fn interrupted() {
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(error) => {
            tracing::warn!(%error, "SIGTERM ends the bots without a report");
            return std::future::pending().await;
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
