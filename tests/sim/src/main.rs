//! The simulation by hand: many schedules, as fast as this machine runs them.

use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use worldline_sim::{Schedule, run, shrink};

/// Runs worker, director and lobby over the log's twin in simulated time, under schedules of harm drawn from seeds.
#[derive(Debug, Parser)]
struct Args {
    /// The first seed; those after it follow.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many schedules.
    #[arg(long)]
    schedules: Option<u64>,
    /// How many minutes, if no number is given.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// How many at the same time; default: one for each core.
    #[arg(long)]
    threads: Option<usize>,
    /// Prints each schedule and what came of it.
    #[arg(long)]
    verbose: bool,
    /// Leaves a failing schedule as it is.
    #[arg(long)]
    no_shrink: bool,
    /// Prints the processes' own log.
    #[arg(long)]
    log: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.log {
        tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .with_writer(std::io::stderr)
            .init();
    }
    let began = Instant::now();
    let end = began + Duration::from_secs_f64(args.minutes * 60.0);
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let (next, failed) = (AtomicU64::new(args.seed), AtomicBool::new(false));
    let (done, simulated) = (AtomicU64::new(0), AtomicU64::new(0));
    let work = || {
        while !failed.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let over = match args.schedules {
                Some(schedules) => seed >= args.seed.saturating_add(schedules),
                None => Instant::now() >= end,
            };
            if over {
                return;
            }
            if let Some(time) = one(seed, &args) {
                done.fetch_add(1, Ordering::Relaxed);
                simulated.fetch_add(time.as_secs(), Ordering::Relaxed);
            } else {
                failed.store(true, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..args.threads.unwrap_or(cores) {
            scope.spawn(work);
        }
    });
    let (done, took) = (done.into_inner(), began.elapsed());
    println!(
        "{done} schedules in {took:.1?}: {:.0} a minute, {:.1} hours simulated",
        done as f64 * 60.0 / took.as_secs_f64(),
        simulated.into_inner() as f64 / 3600.0,
    );
    ExitCode::from(u8::from(failed.into_inner()))
}

/// Runs one; how much time passed in it, or `None` if it failed.
fn one(seed: u64, args: &Args) -> Option<Duration> {
    let schedule = Schedule::draw(seed);
    let outcome = match run(&schedule) {
        Ok(outcome) => outcome,
        Err(error) => {
            eprintln!("seed {seed} could not be run: {error:#}");
            return None;
        }
    };
    if args.verbose {
        println!("{schedule}{outcome}");
    }
    if outcome.findings.is_empty() {
        return Some(outcome.simulated);
    }
    println!("FAILED\n{schedule}{outcome}");
    if !args.no_shrink {
        let smallest = shrink(&schedule, 200);
        if let Ok(outcome) = run(&smallest) {
            println!("the smallest that still fails:\n{smallest}{outcome}");
        }
    }
    println!(
        "again: cargo run --release -p worldline-sim -- --seed {seed} --schedules 1 --verbose"
    );
    None
}
