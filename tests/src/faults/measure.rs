//! How long things take: one command a figure, which ends by itself and prints a table and a line of JSON.
//!
//! Gaps are read from the log: the broker's time of the last frame of an owner and of the first frame of the next one.
//! So they say how long an area stood still for everybody, and are nobody's own opinion.

mod gaps;
mod load;

use std::fmt;
use std::time::Duration;

use anyhow::Context;
use schemas::UnixMillis;
use serde::Serialize;

use super::ground::{Ground, Layout};
use super::run::Settings;
use crate::eventually;
use gaps::Change;
use load::Load;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// From kill -9 of an owner to the successor's first tick.
    Failover,
    /// How long an area stands still when its owner is asked to leave.
    Handover,
    /// From trying a door to the picture behind it, as a client sees it.
    AreaChange,
    /// From kill -9 of an edge to the resumed stream.
    EdgeCrash,
}

/// A figure: times in ms.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// Of what.
    pub name: String,
    /// How many were measured.
    pub count: usize,
    /// Half were faster.
    pub p50: f64,
    /// All but one in a hundred were faster.
    pub p99: f64,
    /// The slowest.
    pub max: f64,
    /// What it should be.
    pub goal: String,
}

/// A measurement's result.
#[derive(Debug, Serialize)]
pub struct Table {
    /// The figures.
    pub figures: Vec<Figure>,
    /// What must be 0: commands unanswered, sessions lost, findings.
    pub lost: u64,
    /// Remarks.
    pub notes: Vec<String>,
}

impl Figure {
    fn of(name: &str, mut times: Vec<f64>, goal: &str) -> Self {
        times.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let last = times.len().saturating_sub(1) as f64;
            times
                .get((last * share).ceil() as usize)
                .copied()
                .unwrap_or(f64::NAN)
        };
        Self {
            name: name.to_owned(),
            count: times.len(),
            p50: at(0.5),
            p99: at(0.99),
            max: at(1.0),
            goal: goal.to_owned(),
        }
    }

    fn told(name: &str, count: u64, times: bots::Latency, goal: &str) -> Self {
        Self {
            name: name.to_owned(),
            count: usize::try_from(count).unwrap_or(usize::MAX),
            p50: times.p50,
            p99: times.p99,
            max: times.max,
            goal: goal.to_owned(),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | count | p50 ms | p99 ms | max ms | goal |")?;
        writeln!(f, "|---|---|---|---|---|---|")?;
        for figure in &self.figures {
            let Figure {
                name,
                count,
                p50,
                p99,
                max,
                goal,
            } = figure;
            writeln!(
                f,
                "| {name} | {count} | {p50:.0} | {p99:.0} | {max:.0} | {goal} |"
            )?;
        }
        for note in &self.notes {
            writeln!(f, "{note}")?;
        }
        writeln!(f, "lost: {}", self.lost)
    }
}

/// Measures with so many bots and so many repetitions.
///
/// # Errors
/// When the stack does not do what is measured.
pub async fn measure(
    settings: &Settings,
    what: What,
    bots: u32,
    times: u32,
) -> anyhow::Result<Table> {
    let binary = settings.binary.to_str().context("the binary's path")?;
    let layout = Layout {
        directors: 1,
        ..settings.layout
    };
    let mut ground = Ground::prepare(binary, layout, &settings.variables, &[]).await?;
    let table = match what {
        What::Failover => failover(&mut ground, bots, times).await,
        What::Handover => handover(&mut ground, bots, times).await,
        What::AreaChange => area_change(&mut ground, bots, times).await,
        What::EdgeCrash => edge_crash(&mut ground, bots, times).await,
    }?;
    ground.stack.is_well();
    Ok(table)
}

/// Kills the owner of the area with most players, again and again.
async fn failover(ground: &mut Ground, bots: u32, times: u32) -> anyhow::Result<Table> {
    let load = Load::begin(ground, bots, 0).await?;
    let mut kills: Vec<(String, UnixMillis)> = Vec::new();
    for number in 0..times {
        load.goes_on(u64::from(bots) * 5).await?;
        let (area, owner) = gaps::busiest(&ground.stack).await?;
        let before = gaps::changes(&ground.stack, &area).await?.len();
        kills.push((area.clone(), UnixMillis::now()));
        ground.stack.kill(&owner).await?;
        eventually("another one owns it", || async {
            Ok(gaps::changes(&ground.stack, &area).await?.len() > before)
        })
        .await?;
        load.goes_on(u64::from(bots)).await?;
        ground.revive(&owner)?;
        let member = ground.stack.log("replay").await?.bucket("members").await?;
        eventually("the killed one is a member again", || async {
            Ok(member.get(&owner).await?.is_some())
        })
        .await?;
        eprintln!("  kill {} of {times}: {owner}, owner of {area}", number + 1);
    }
    let (mut owned, mut ticked) = (Vec::new(), Vec::new());
    for (area, killed) in &kills {
        let changes = gaps::changes(&ground.stack, area).await?;
        let next = changes.iter().find(|change| change.owned_at > *killed);
        let next = next.context("a kill without a successor")?;
        owned.push(millis(*killed, next.owned_at));
        ticked.push(millis(*killed, next.first_tick_at.unwrap_or(next.owned_at)));
    }
    let report = load.end().await?;
    Ok(Table {
        figures: vec![
            Figure::of("kill -9 to the successor's ownership frame", owned, ""),
            Figure::of(
                "kill -9 to the successor's first tick",
                ticked,
                "p50 ≤ 600, max ≤ 1000",
            ),
            Figure::told(
                "gap between frames, seen by a client",
                u64::from(times),
                report.frame_gap_ms,
                "",
            ),
        ],
        lost: report.commands_unanswered + report.sessions_lost,
        notes: vec![format!("{bots} bots, {times} kills")],
    })
}

/// Asks worker after worker to leave.
async fn handover(ground: &mut Ground, bots: u32, times: u32) -> anyhow::Result<Table> {
    let load = Load::begin(ground, bots, 10).await?;
    for number in 0..times {
        load.goes_on(u64::from(bots) * 5).await?;
        let (area, owner) = gaps::busiest(&ground.stack).await?;
        ground.stack.role(&owner).terminate()?;
        ground.is_leaving(&owner);
        ground.replace(&owner).await?;
        eprintln!(
            "  drain {} of {times}: {owner}, owner of {area}",
            number + 1
        );
    }
    let report = load.end().await?;
    let mut planned = Vec::new();
    for area in gaps::areas(&ground.stack).await? {
        let changes = gaps::changes(&ground.stack, &area).await?;
        let handed = changes.iter().filter(|change| change.released);
        planned.extend(handed.map(Change::gap));
    }
    Ok(Table {
        figures: vec![
            Figure::of(
                "last frame of one owner to the first of the next",
                planned,
                "p99 ≤ 100",
            ),
            Figure::told(
                "gap between frames, seen by a client",
                u64::from(times),
                report.frame_gap_ms,
                "",
            ),
        ],
        lost: report.commands_unanswered + report.sessions_lost,
        notes: vec![format!("{bots} bots, {times} workers asked to leave")],
    })
}

/// Lets bots walk through doors for so many seconds, in a stack whose areas lie on several workers.
async fn area_change(ground: &mut Ground, bots: u32, times: u32) -> anyhow::Result<Table> {
    let load = Load::begin(ground, bots, 3).await?;
    eventually("so many have changed areas", || async {
        Ok(load.area_changes() >= u64::from(times).min(20))
    })
    .await?;
    tokio::time::sleep(Duration::from_secs(u64::from(times))).await;
    let report = load.end().await?;
    let mut owners = Vec::new();
    for area in gaps::areas(&ground.stack).await? {
        let owner = gaps::owner(&ground.stack, &area).await?;
        owners.push(format!("{area}: {owner}"));
    }
    Ok(Table {
        figures: vec![Figure::told(
            "area change, seen by a client",
            report.area_changes,
            report.area_change_ms,
            "p99 ≤ 120 within a worker, ≤ 150 between workers",
        )],
        lost: report.commands_unanswered + report.sessions_lost,
        notes: vec![
            format!("{bots} bots for {times} s, {:?}", owners),
            format!("refused or in vain: {:?}", report.doors_failed),
        ],
    })
}

/// Kills an edge, again and again.
async fn edge_crash(ground: &mut Ground, bots: u32, times: u32) -> anyhow::Result<Table> {
    let load = Load::begin(ground, bots, 0).await?;
    for number in 0..times {
        load.goes_on(u64::from(bots) * 10).await?;
        let name = format!("edge-{}", 1 + number % ground.layout.edges);
        ground.stack.kill(&name).await?;
        load.goes_on(u64::from(bots) * 10).await?;
        ground.revive(&name)?;
        let edge = ground.stack.edge(&name).clone();
        eventually("the edge is back", || async {
            let (status, _) = edge.exchange("GET", "/health/ready", None, b"").await?;
            Ok(status == 200)
        })
        .await?;
        eprintln!("  kill {} of {times}: {name}", number + 1);
    }
    let report = load.end().await?;
    Ok(Table {
        figures: vec![
            Figure::told(
                "reconnected to resumed stream",
                report.resumes,
                report.resume_ms,
                "max ≤ 1000",
            ),
            Figure::told(
                "lost socket to resumed stream",
                report.resumes,
                report.away_ms,
                "",
            ),
        ],
        lost: report.commands_unanswered + report.sessions_lost,
        notes: vec![format!("{bots} bots, {times} kills of an edge")],
    })
}

fn millis(from: UnixMillis, to: UnixMillis) -> f64 {
    to.0.saturating_sub(from.0) as f64
}
