//! `cargo xtask faults`: what may be asked of the suite.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use eventlog::Defect;

use super::catalogue::{self, Fault};
use super::ground::Layout;
use super::measure::{self, What};
use super::run::{self, Settings, Verdict};
use super::schedule::Schedule;
use super::{defects, shrink};

/// Harms a real stack while it is played on, and looks at what is left.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask faults", bin_name = "cargo xtask faults")]
struct Args {
    /// What everything is drawn from [default: drawn, and printed]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many seeds, one after the other
    #[arg(long, default_value_t = 1, value_name = "N")]
    seeds: u64,
    /// How long the play of one seed goes on
    #[arg(long, default_value_t = 1.0, value_name = "M")]
    minutes: f64,
    /// Only this fault; more than one may be named
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// A fault about every so many ms
    #[arg(long, default_value_t = 3000, value_name = "MS")]
    every: u64,
    /// Repeat the schedule in this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seed", "seeds", "only", "minutes"])]
    schedule: Option<PathBuf>,
    /// Print the schedule and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Shrink a failed schedule for at most so many minutes; 0: do not
    #[arg(long, default_value_t = 10.0, value_name = "M")]
    shrink: f64,
    /// Try the binary with each of its seeded defects, and fail unless each is caught
    #[arg(long, conflicts_with_all = ["schedule", "only", "seeds"])]
    defects: bool,
    /// Only this defect
    #[arg(long, value_name = "NAME", requires = "defects")]
    defect: Vec<String>,
    /// Measure instead
    #[arg(long, value_enum, conflicts_with_all = ["defects", "schedule", "only"])]
    measure: Option<What>,
    /// How often, when measuring; for area-change: how many seconds
    #[arg(long, default_value_t = 50, value_name = "N", requires = "measure")]
    times: u32,
    /// List the faults, and what this machine lacks for them
    #[arg(long)]
    list: bool,
    /// Players who note all they are told
    #[arg(long, default_value_t = 5, value_name = "N")]
    actors: u64,
    /// Worker processes
    #[arg(long, default_value_t = 3, value_name = "N")]
    workers: u32,
    /// Bots beside them [default: 8; when measuring 200]
    #[arg(long, value_name = "N")]
    bots: Option<u32>,
    /// The `worldline` to try [default: worldline-under-test beside this program]
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Where logs of failed runs are kept
    #[arg(long, default_value = "target/faults", value_name = "DIR")]
    keep: PathBuf,
}

/// Does what the command line asks.
///
/// # Errors
/// When a run could not be done.
pub async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    if args.list {
        list();
        return Ok(ExitCode::SUCCESS);
    }
    let settings = settings(&args)?;
    if let Some(what) = args.measure {
        let bots = args.bots.unwrap_or(200);
        let table = measure::measure(&settings, what, bots, args.times).await?;
        println!("{table}{}", serde_json::to_string(&table)?);
        return Ok(ExitCode::from(u8::from(table.lost > 0)));
    }
    if args.defects {
        return hunt(&args, &settings).await;
    }
    let kinds = kinds(&args.only)?;
    let mut schedules = Vec::new();
    match &args.schedule {
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("reading {}", file.display()))?;
            schedules.push(Schedule::parse(&text)?);
        }
        None => {
            let first = args
                .seed
                .unwrap_or_else(|| u64::from(rand::random::<u32>()));
            let length = (args.minutes * 60_000.0) as u64;
            for seed in first..first + args.seeds {
                let layout = &settings.layout;
                schedules.push(Schedule::draw(seed, length, args.every, &kinds, layout));
            }
        }
    }
    let mut failed = Vec::new();
    for schedule in schedules {
        println!("{schedule}");
        if args.dry_run {
            continue;
        }
        let verdict = run::run(&settings, &schedule).await?;
        println!("{verdict}");
        if !verdict.findings.is_empty() {
            failed.push(schedule.seed);
            tell_how_to_repeat(&settings, verdict, args.shrink).await?;
        }
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("failed: seeds {failed:?}");
    Ok(ExitCode::FAILURE)
}

/// Shrinks what failed, and says how to see it again.
async fn tell_how_to_repeat(
    settings: &Settings,
    failed: Verdict,
    minutes: f64,
) -> anyhow::Result<()> {
    let seed = failed.schedule.seed;
    let smallest = if minutes > 0.0 {
        let budget = Duration::from_secs_f64(minutes * 60.0);
        shrink::shrink(settings, failed, budget).await?
    } else {
        failed
    };
    let file = settings.keep.join(format!("{seed}.schedule"));
    std::fs::create_dir_all(&settings.keep)?;
    std::fs::write(&file, smallest.schedule.to_string())?;
    println!("seed {seed} failed; the smallest schedule that failed:\n{smallest}");
    println!("{}", smallest.schedule);
    println!(
        "repeat: cargo xtask faults --actors {} --bots {} --schedule {}",
        settings.actors,
        settings.bots,
        file.display()
    );
    Ok(())
}

async fn hunt(args: &Args, settings: &Settings) -> anyhow::Result<ExitCode> {
    let known = |name: &String| {
        let found = Defect::ALL.into_iter().find(|defect| defect.name() == name);
        found.with_context(|| format!("there is no defect `{name}`"))
    };
    let wanted: Vec<Defect> = if args.defect.is_empty() {
        Defect::ALL.to_vec()
    } else {
        let named = args.defect.iter().map(known);
        named.collect::<anyhow::Result<_>>()?
    };
    let length = (args.minutes * 60_000.0) as u64;
    let seed = args.seed.unwrap_or(1);
    let outcomes = defects::hunt(settings, &wanted, seed, length.min(25_000)).await?;
    for outcome in &outcomes {
        let name = outcome.defect.name();
        match &outcome.caught {
            Some((checks, seed)) => {
                println!("caught  {name:<22} by {checks:?} with seed {seed}")
            }
            None => println!("MISSED  {name}"),
        }
    }
    let all = outcomes.iter().all(|outcome| outcome.caught.is_some());
    Ok(ExitCode::from(u8::from(!all)))
}

fn settings(args: &Args) -> anyhow::Result<Settings> {
    let beside = || -> anyhow::Result<PathBuf> {
        let me = std::env::current_exe()?;
        Ok(me.with_file_name("worldline-under-test"))
    };
    let binary = match &args.binary {
        Some(named) => named.clone(),
        None => beside()?,
    };
    anyhow::ensure!(
        binary.is_file(),
        "{} is not there: `cargo xtask faults` builds it",
        binary.display()
    );
    Ok(Settings {
        binary,
        layout: Layout {
            workers: args.workers,
            ..Layout::default()
        },
        actors: args.actors,
        bots: args.bots.unwrap_or(8),
        variables: Vec::new(),
        keep: args.keep.clone(),
    })
}

/// The faults to draw from: those named, or all that this machine can do.
fn kinds(only: &[String]) -> anyhow::Result<Vec<&'static dyn Fault>> {
    let wanted: Vec<&'static dyn Fault> = if only.is_empty() {
        let all = catalogue::ALL.into_iter();
        all.filter(|fault| fault.card().by_default).collect()
    } else {
        let named = only.iter().map(|name| catalogue::by_name(name));
        named.collect::<anyhow::Result<_>>()?
    };
    let mut possible = Vec::new();
    for fault in wanted {
        match fault.possible() {
            Ok(()) => possible.push(fault),
            Err(why) => println!("skipped: {}: {why}", fault.card().name),
        }
    }
    anyhow::ensure!(
        !possible.is_empty(),
        "this machine can do none of these faults"
    );
    Ok(possible)
}

fn list() {
    for fault in catalogue::ALL {
        let (from, to) = fault.card().lasts;
        let lacks = match fault.possible() {
            Ok(()) if fault.card().by_default => String::new(),
            Ok(()) => "  (only when named)".to_owned(),
            Err(why) => format!("  (not here: {why})"),
        };
        println!(
            "{:<16} {from:>5}–{to:<5} ms  {}{lacks}",
            fault.card().name,
            fault.card().about
        );
    }
}
