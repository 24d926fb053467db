//! `worldline director plan` and `status`.

use std::process::ExitCode;

use ::director::plan::Plan;
use ::director::survey::Survey;
use serde_json::json;

use super::cli::DirectorTool;
use super::table::{or_dash, print};
use super::{Desk, exit, print_json};

pub(super) async fn run(desk: &Desk, tool: DirectorTool) -> anyhow::Result<ExitCode> {
    let survey = desk.survey().await?;
    match tool {
        DirectorTool::Plan { json, .. } => plan(&survey, json),
        DirectorTool::Status { json } => status(&survey, json),
        // Handled where the placements are at hand.
        DirectorTool::Readmit { .. } => Ok(ExitCode::SUCCESS),
    }
}

fn plan(survey: &Survey, json: bool) -> anyhow::Result<ExitCode> {
    let (plan, steps) = (survey.plan(), survey.steps());
    if json {
        let changes: Vec<_> = plan
            .changes
            .iter()
            .map(|change| {
                json!({
                    "area": change.placement.area,
                    "from": change.from,
                    "to": change.placement.worker,
                    "successor": change.placement.successor,
                    "reason": change.reason,
                    "sentence": change.reason.to_string(),
                })
            })
            .collect();
        print_json(&json!({ "changes": changes, "steps": steps, "waiting": plan.waiting }))?;
        return Ok(ExitCode::SUCCESS);
    }
    if plan.changes.is_empty() && steps.is_empty() {
        println!("nothing would change");
    }
    if !plan.changes.is_empty() {
        let row = |change: &::director::plan::Change| {
            [
                change.placement.area.to_string(),
                or_dash(change.from.as_deref()),
                or_dash(change.placement.worker.as_deref()),
                or_dash(change.placement.successor.as_deref()),
                change.reason.to_string(),
            ]
        };
        let rows: Vec<_> = plan.changes.iter().map(row).collect();
        print(["AREA", "FROM", "TO", "SUCCESSOR", "WHY"], &rows);
    }
    for step in steps {
        match step {
            ::director::instances::Step::Open { area, reason } => println!("open {area}: {reason}"),
            ::director::instances::Step::Steer {
                area,
                closed,
                overflow,
                reason,
                ..
            } => {
                let state = if closed { "closed" } else { "open" };
                let to = or_dash(overflow.as_ref().map(schemas::AreaId::as_str));
                println!("steer {area}: {state}, overflow {to}: {reason}");
            }
        }
    }
    waiting(&plan);
    Ok(ExitCode::SUCCESS)
}

fn waiting(plan: &Plan) {
    for (area, why) in &plan.waiting {
        println!("{area} waits: {why}");
    }
}

fn status(survey: &Survey, json: bool) -> anyhow::Result<ExitCode> {
    let plan = survey.plan();
    let situation = &survey.situation;
    let quarantined: Vec<_> = situation
        .placed
        .values()
        .filter(|placed| placed.quarantined)
        .map(|placed| &placed.area)
        .collect();
    let areas = situation.book.iter();
    let (closed, open): (Vec<_>, Vec<_>) = areas.partition(|(_, area)| area.control.closed);
    let full = open
        .iter()
        .filter(|(_, area)| area.control.overflow.is_some())
        .count();
    let mut workers = std::collections::BTreeMap::<&str, usize>::new();
    for (_, standing) in situation.fleet.members() {
        *workers.entry(standing.name()).or_default() += 1;
    }
    let good = survey.leader.is_some() && plan.waiting.is_empty() && quarantined.is_empty();
    if json {
        print_json(&json!({
            "leader": survey.leader,
            "workers": workers,
            "areas": { "open": open.len(), "closed": closed.len(), "full": full },
            "changes": plan.changes.len(),
            "waiting": plan.waiting,
            "quarantined": quarantined,
        }))?;
        return Ok(exit(good));
    }
    match &survey.leader {
        Some(leader) => println!("leader   {leader}"),
        None => println!("leader   none: start a director; what runs goes on meanwhile"),
    }
    let workers: Vec<_> = workers
        .iter()
        .map(|(state, n)| format!("{n} {state}"))
        .collect();
    let workers = if workers.is_empty() {
        "none: start one".to_owned()
    } else {
        workers.join(", ")
    };
    println!("workers  {workers}");
    println!(
        "areas    {} open, {} closed, {full} full",
        open.len(),
        closed.len()
    );
    println!(
        "changes  {} wanted (`worldline director plan`)",
        plan.changes.len()
    );
    waiting(&plan);
    for area in quarantined {
        println!("{area} is in quarantine: docs/runbook/area-in-quarantine.md");
    }
    Ok(exit(good))
}
