//! Operators' tools for the fleet: what a director would do, who works, how areas are led.
//!
//! What is shown is gathered and worked out by the director's own functions. What is changed is
//! asked of the log by a command with a name and a reason, like everything an operator does.

mod area;
mod cli;
mod director;
mod table;
mod worker;

use std::process::ExitCode;
use std::time::Duration;

use ::director::survey::Survey;
use anyhow::Context;
use eventlog::{EventLog, Requester};
use schemas::EdgeId;
use schemas::control::{ControlCommand, FleetCommand, Opened, Order};
use schemas::subjects::Domain;
use serde::Serialize;

pub(crate) use cli::{AreaArgs, DirectorTool, WorkerTool};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What these tools work with: a connection with an operator's rights, and the director's settings.
pub(crate) struct Desk {
    pub(crate) log: EventLog,
    pub(crate) config: ::director::Config,
}

impl Desk {
    pub(crate) async fn director(self, tool: DirectorTool) -> anyhow::Result<ExitCode> {
        director::run(&self, tool).await
    }

    pub(crate) async fn worker(self, tool: WorkerTool) -> anyhow::Result<ExitCode> {
        worker::run(&self, tool).await
    }

    pub(crate) async fn area(self, args: AreaArgs) -> anyhow::Result<ExitCode> {
        area::run(&self, args.command).await
    }

    async fn survey(&self) -> anyhow::Result<Survey> {
        Survey::take(&self.log, &self.config)
            .await
            .context("looking at members, placements and areas")
    }

    async fn requester(&self) -> anyhow::Result<Requester> {
        let me = EdgeId(rand::random());
        Requester::new(self.log.clone(), me)
            .await
            .context("listening for the answer")
    }

    /// Asks a worker's aggregate; a refusal is printed.
    async fn order_worker(&self, worker: &str, command: &FleetCommand) -> anyhow::Result<bool> {
        let answer = self.requester().await?;
        let answer =
            answer.ask::<_, schemas::control::DutySet>(Domain::Fleet, worker, command, PATIENCE);
        said(answer.await)
    }

    /// Asks an area's control; a refusal is printed.
    async fn order_area(&self, area: &str, command: &ControlCommand) -> anyhow::Result<bool> {
        let answer = self.requester().await?;
        let answer = answer.ask::<_, Opened>(Domain::Control, area, command, PATIENCE);
        said(answer.await)
    }
}

/// Whether it was accepted.
fn said<R>(
    answer: Result<Result<R, schemas::keyed::Refusal>, eventlog::RequestError>,
) -> anyhow::Result<bool> {
    let answer = answer
        .context("no director has answered; is one running? (`worldline director status`)")?;
    match answer {
        Ok(_) => Ok(true),
        Err(refusal) => {
            eprintln!("refused, {refusal}");
            Ok(false)
        }
    }
}

const fn exit(good: bool) -> ExitCode {
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Who orders, and why: named by flags, else the one who is logged in.
fn order(who: &cli::Who) -> Order {
    let user = || std::env::var("USER").ok().filter(|user| !user.is_empty());
    Order {
        by: who
            .by
            .clone()
            .or_else(user)
            .unwrap_or_else(|| "operator".to_owned()),
        reason: who.reason.clone().unwrap_or_default(),
    }
}

fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}
