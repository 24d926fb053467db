//! One run: play, harm, mend, rest, and look at everything.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::actor::{Act, Actor, Told};
use super::catalogue::{self, Fault, Sockets};
use super::check::{self, Finding};
use super::ground::{Ground, Layout};
use super::schedule::Schedule;
use crate::{PATIENCE, Stack, eventually};

/// A socket may be missed so long after what broke it was mended: who is on a paused edge finds out late.
const NOTICED_WITHIN: Duration = Duration::from_secs(20);

/// What a run is made of, besides its schedule.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The `worldline` that is tried.
    pub binary: PathBuf,
    /// How many of each role.
    pub layout: Layout,
    /// How many players note all they are told.
    pub actors: u64,
    /// How many bots play beside them.
    pub bots: u32,
    /// Environment variables of every role.
    pub variables: Vec<(String, String)>,
    /// Where the logs of a failed run are kept.
    pub keep: PathBuf,
}

/// What came of a run.
#[derive(Debug)]
pub struct Verdict {
    /// What was done.
    pub schedule: Schedule,
    /// What should not be; empty: all is well.
    pub findings: Vec<Finding>,
    /// What was looked at.
    pub looked_at: String,
    /// Where the logs are kept, if it failed.
    pub logs: Option<PathBuf>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "FOUND {finding}")?;
        }
        writeln!(f, "{}", self.looked_at)?;
        match (&self.logs, self.findings.len()) {
            (_, 0) => writeln!(f, "clean"),
            (logs, count) => {
                writeln!(f, "{count} findings")?;
                logs.iter()
                    .try_for_each(|logs| writeln!(f, "logs: {}", logs.display()))
            }
        }
    }
}

/// A fault that held for a while.
pub(crate) struct Held {
    pub(crate) fault: &'static dyn Fault,
    pub(crate) target: String,
    pub(crate) from: Instant,
    pub(crate) to: Instant,
}

/// Plays through `schedule` and looks at what is left.
///
/// # Errors
/// When the run itself could not be done, so that it proves nothing.
pub async fn run(settings: &Settings, schedule: &Schedule) -> anyhow::Result<Verdict> {
    let kinds: Vec<&'static dyn Fault> = schedule
        .injections
        .iter()
        .map(|injection| catalogue::by_name(&injection.fault))
        .collect::<anyhow::Result<_>>()?;
    let binary = settings.binary.to_str().context("the binary's path")?;
    let mut ground = Ground::prepare(binary, settings.layout, &settings.variables, &kinds).await?;
    let done = play(settings, schedule, &mut ground).await;
    let (told, report, held) = match done {
        Ok(done) => done,
        Err(error) => {
            let logs = keep_logs(settings, schedule, &ground.stack)?;
            return Err(error.context(format!("the run broke off; logs: {}", logs.display())));
        }
    };
    let mut findings = check::of_players(&told, &report, &held, &ground);
    let last_seen = &report.last_seen;
    let looked = check::of_log_and_rows(&ground.stack, &told, last_seen, &mut findings).await;
    let logs = if findings.is_empty() {
        None
    } else {
        Some(keep_logs(settings, schedule, &ground.stack)?)
    };
    ground.stack.is_well();
    let changes: u32 = told.iter().map(|told| told.changes).sum();
    let eras: usize = told.iter().map(|told| told.eras.len()).sum();
    Ok(Verdict {
        schedule: schedule.clone(),
        findings,
        looked_at: format!(
            "{} faults; {} actors, {eras} sessions, {changes} area changes, {} sockets lost; bots: {} commands, {} \
             changes, {} resumes, refused {:?}; {looked}",
            held.len(),
            told.len(),
            told.iter()
                .map(|told| told.lost_sockets.len())
                .sum::<usize>(),
            report.commands_sent,
            report.area_changes,
            report.resumes,
            report.rejected_by_reason,
        ),
        logs,
    })
}

type Played = (Vec<Told>, bots::Report, Vec<Held>);

async fn play(
    settings: &Settings,
    schedule: &Schedule,
    ground: &mut Ground,
) -> anyhow::Result<Played> {
    let edges = ground.edges();
    let (set_act, act) = watch::channel(Act::Play);
    let mut actors = JoinSet::new();
    for number in 1..=settings.actors {
        let actor = Actor::enter(number, schedule.seed, &edges).await?;
        actors.spawn(actor.play(act.clone()));
    }
    drop(act);
    let mut bots = bots::start(bots::Args {
        url: edges
            .iter()
            .map(|edge| format!("http://{}", edge.authority()))
            .collect(),
        players: settings.bots,
        seconds: 0,
        speak_every: 3,
        doors: 4,
        seed: schedule.seed,
        ..bots::Args::default()
    })?;
    tokio::time::timeout(PATIENCE, bots.playing()).await?;

    ground.begun = Instant::now();
    let held = harm(schedule, ground).await?;

    // The bots wait for their last answers for five seconds only; first the world goes on.
    let wanted = bots.answered() + u64::from(settings.bots) * 10;
    let answered = eventually("the bots are answered", || async {
        Ok(bots.answered() >= wanted)
    });
    if let Err(error) = answered.await {
        eprintln!("  {error:#}");
    }
    set_act.send_replace(Act::Rest);
    let report = bots.finish().await?;
    set_act.send_replace(Act::Leave);
    let mut told = Vec::new();
    while let Some(one) = actors.join_next().await {
        told.push(one.context("an actor broke")?);
    }
    told.sort_by(|one, other| one.name.cmp(&other.name));
    Ok((told, report, held))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Heal,
    Strike,
}

/// Strikes and mends as the schedule says, until its end; then everything is mended.
async fn harm(schedule: &Schedule, ground: &mut Ground) -> anyhow::Result<Vec<Held>> {
    let mut agenda: Vec<(u64, Step, usize)> = Vec::new();
    for (number, injection) in schedule.injections.iter().enumerate() {
        agenda.push((injection.at, Step::Strike, number));
        agenda.push((injection.at + injection.lasts, Step::Heal, number));
    }
    agenda.sort_unstable();
    let begun = ground.begun;
    let mut struck: BTreeMap<usize, Instant> = BTreeMap::new();
    let mut held = Vec::new();
    for (at, step, number) in agenda {
        let due = begun + Duration::from_millis(at);
        tokio::time::sleep_until(due.into()).await;
        let injection = &schedule.injections[number];
        let fault = catalogue::by_name(&injection.fault)?;
        let target = &injection.target;
        let now = Instant::now();
        match step {
            Step::Strike => {
                eprintln!("  {:>6} ms  {injection}", (now - begun).as_millis());
                fault
                    .strike(ground, target)
                    .await
                    .with_context(|| injection.to_string())?;
                struck.insert(number, now);
            }
            Step::Heal => {
                fault
                    .heal(ground, target)
                    .await
                    .with_context(|| format!("mending {injection}"))?;
                held.push(Held {
                    fault,
                    target: target.clone(),
                    from: struck.remove(&number).unwrap_or(now),
                    to: Instant::now(),
                });
            }
        }
    }
    let end = begun + Duration::from_millis(schedule.length);
    tokio::time::sleep_until(end.into()).await;
    for role in ground.stack.role_names() {
        ground.revive(&role)?;
    }
    Ok(held)
}

/// Whether losing a socket to `edge` at that moment is what a fault may lead to.
pub(crate) fn may_break(held: &[Held], ground: &Ground, edge: &str, at: Instant) -> bool {
    held.iter().any(|fault| {
        let hit = match fault.fault.card().sockets {
            Sockets::Stay => false,
            Sockets::OfTarget => ground.stack.edge(&fault.target).authority() == edge,
            Sockets::All => true,
        };
        hit && fault.from <= at && at <= fault.to + NOTICED_WITHIN
    })
}

fn keep_logs(settings: &Settings, schedule: &Schedule, stack: &Stack) -> anyhow::Result<PathBuf> {
    let name = format!("{}-{}", schedule.seed, std::process::id());
    let dir = settings.keep.join(name);
    std::fs::create_dir_all(&dir)?;
    std::fs::write(dir.join("schedule"), schedule.to_string())?;
    for entry in std::fs::read_dir(stack.data_dir().join("log"))? {
        let path = entry?.path();
        if let Some(name) = path.file_name() {
            std::fs::copy(&path, dir.join(name))?;
        }
    }
    std::fs::copy(stack.broker.log_file(), dir.join("nats.log")).ok();
    Ok(dir)
}
