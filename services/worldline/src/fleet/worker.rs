//! `worldline worker list`, `drain`, `cordon` and `uncordon`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use ::director::plan::Standing;
use eventlog::membership;
use schemas::control::{Duty, FleetCommand, Member};
use serde_json::json;

use super::cli::{Who, WorkerTool};
use super::table::{or_dash, print};
use super::{Desk, exit, order, print_json};

/// How often one looks while waiting.
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub(super) async fn run(desk: &Desk, tool: WorkerTool) -> anyhow::Result<ExitCode> {
    match tool {
        WorkerTool::List { json } => list(desk, json).await,
        WorkerTool::Drain {
            worker,
            who,
            wait,
            patience,
        } => drain(desk, &worker, &who, wait.then_some(patience)).await,
        WorkerTool::Cordon { worker, who } => set(desk, &worker, Duty::Cordon, &who).await,
        WorkerTool::Uncordon { worker, who } => set(desk, &worker, Duty::Serve, &who).await,
    }
}

async fn list(desk: &Desk, json: bool) -> anyhow::Result<ExitCode> {
    let survey = desk.survey().await?;
    let members: Vec<(&Member, Standing)> = survey.situation.fleet.members().collect();
    if json {
        let entry = |(member, standing): &(&Member, Standing)| {
            let duty = survey.duties.get(&member.worker);
            json!({ "member": member, "standing": standing, "duty": duty })
        };
        print_json(&members.iter().map(entry).collect::<Vec<_>>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let row = |(member, standing): &(&Member, Standing)| {
        let load: u32 = member.areas.iter().map(|(_, load)| load).sum();
        let bodies: u32 = member.population.iter().map(|(_, bodies)| bodies).sum();
        let duty = survey.duties.get(&member.worker);
        let duty = duty.filter(|duty| duty.duty_of(member.life) != Duty::Serve);
        let why = duty.map(|duty| format!("{} {}", duty.order.by, duty.order.reason));
        [
            member.worker.clone(),
            standing.name().to_owned(),
            format!("{}/{}", member.areas.len(), member.capacity),
            member.population.len().to_string(),
            member.replicas.len().to_string(),
            bodies.to_string(),
            format!("{}.{:03}", load / 1000, load % 1000),
            or_dash(Some(&member.build)),
            or_dash(why.as_deref().map(str::trim)),
        ]
    };
    let rows: Vec<_> = members.iter().map(row).collect();
    let headings = [
        "WORKER",
        "STATE",
        "AREAS",
        "AWAKE",
        "REPLICAS",
        "BODIES",
        "CORES",
        "BUILD",
        "ORDERED BY",
    ];
    print(headings, &rows);
    Ok(ExitCode::SUCCESS)
}

async fn member(desk: &Desk, worker: &str) -> anyhow::Result<Option<Member>> {
    let members = membership::members(&desk.log).await?;
    Ok(members.into_iter().find(|member| member.worker == worker))
}

/// A cordon is for the name, so nobody of that name needs to be there.
async fn set(desk: &Desk, worker: &str, duty: Duty, who: &Who) -> anyhow::Result<ExitCode> {
    let there = member(desk, worker).await?;
    let command = FleetCommand::SetDuty {
        worker: worker.to_owned(),
        life: there.as_ref().map_or(0, |member| member.life),
        duty,
        order: order(who),
    };
    if !desk.order_worker(worker, &command).await? {
        return Ok(ExitCode::FAILURE);
    }
    match duty {
        Duty::Cordon => println!("{worker} is given nothing more"),
        Duty::Serve | Duty::Drain => println!("{worker} may be given areas"),
    }
    if there.is_none() {
        println!("no worker of that name is there now; it holds when one comes");
    }
    Ok(ExitCode::SUCCESS)
}

async fn drain(
    desk: &Desk,
    worker: &str,
    who: &Who,
    wait: Option<Duration>,
) -> anyhow::Result<ExitCode> {
    let Some(found) = member(desk, worker).await? else {
        eprintln!("no worker called {worker} is there; see `worldline worker list`");
        return Ok(ExitCode::FAILURE);
    };
    let command = FleetCommand::SetDuty {
        worker: worker.to_owned(),
        life: found.life,
        duty: Duty::Drain,
        order: order(who),
    };
    if !desk.order_worker(worker, &command).await? {
        return Ok(ExitCode::FAILURE);
    }
    println!("{worker} hands over {} areas and ends", found.areas.len());
    let Some(patience) = wait else {
        return Ok(ExitCode::SUCCESS);
    };
    let deadline = Instant::now() + patience;
    loop {
        let left = member(desk, worker)
            .await?
            .filter(|left| left.life == found.life);
        let Some(left) = left else {
            println!("{worker} is gone");
            return Ok(exit(true));
        };
        if Instant::now() >= deadline {
            let areas: Vec<&str> = left
                .areas
                .iter()
                .take(20)
                .map(|(area, _)| area.as_str())
                .collect();
            eprintln!(
                "{worker} is still there with {} areas: {}; `worldline director plan` says what they wait for",
                left.areas.len(),
                areas.join(" ")
            );
            return Ok(exit(false));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
