//! `worldline worker list`, `drain`, `cordon` and `uncordon`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use ::director::plan::Standing;
use eventlog::membership::{self, Heartbeats};
use schemas::control::{Duty, FleetCommand, Member};
use serde_json::json;

use super::cli::{Who, WorkerTool};
use super::table::{or_dash, print};
use super::{Desk, exit, order, print_json};

/// How often one looks while waiting, and for how long one listens in between: a few heartbeats.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A worker is gone when so many looks in a row, five seconds of them, have shown nothing of it. An entry alone may also run
/// out because the broker took none for a while, or the worker stood still for a moment.
const UNSEEN: u32 = 20;

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
    let mut heartbeats = membership::heartbeats(&desk.log).await?;
    let deadline = Instant::now() + patience;
    let mut leaving = Leaving {
        last: found,
        unseen: 0,
    };
    loop {
        let entry = member(desk, worker).await?;
        let heard = leaving.is_heard(&mut heartbeats).await;
        if leaving.is_gone(entry, heard) {
            println!("{worker} is gone");
            return Ok(exit(true));
        }
        // Who may be gone is waited for a moment longer: then it is known.
        if Instant::now() >= deadline && leaving.unseen == 0 {
            let left = &leaving.last.areas;
            let areas: Vec<&str> = left
                .iter()
                .take(20)
                .map(|(area, _)| area.as_str())
                .collect();
            eprintln!(
                "{worker} is still there with {} areas: {}; `worldline director plan` says what they wait for",
                left.len(),
                areas.join(" ")
            );
            return Ok(exit(false));
        }
    }
}

/// A life of a worker that was told to end.
struct Leaving {
    /// What it said last.
    last: Member,
    /// So many looks ago.
    unseen: u32,
}

impl Leaving {
    /// Listens for a moment; whether it is alive.
    async fn is_heard(&self, heartbeats: &mut Heartbeats) -> bool {
        let mut heard = false;
        let listen = async {
            while let Some(beat) = heartbeats.next().await {
                heard |= beat.worker == self.last.worker && beat.life == self.last.life;
            }
            // The connection is closed for good, which the next look says.
            std::future::pending::<()>().await;
        };
        drop(tokio::time::timeout(LOOK_EVERY, listen).await);
        heard
    }

    /// Whether it is gone, after a look that has shown this entry of its name, and whether it was heard.
    fn is_gone(&mut self, entry: Option<Member>, heard: bool) -> bool {
        match entry {
            // The name has a new life, so this one has ended.
            Some(other) if other.life != self.last.life => return true,
            Some(entry) => {
                self.last = entry;
                self.unseen = 0;
            }
            None if heard => self.unseen = 0,
            None => self.unseen += 1,
        }
        self.unseen >= UNSEEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann(life: u64) -> Member {
        Member {
            worker: "ann".into(),
            life,
            ..Member::default()
        }
    }

    fn leaving() -> Leaving {
        Leaving {
            last: ann(7),
            unseen: 0,
        }
    }

    /// Whether it counts as gone after each of so many looks at nothing.
    fn looks(leaving: &mut Leaving, count: u32, heard: bool) -> bool {
        (0..count).any(|_| leaving.is_gone(None, heard))
    }

    #[test]
    fn a_worker_without_an_entry_that_is_heard_is_there() {
        let mut leaving = leaving();
        assert!(!looks(&mut leaving, 10 * UNSEEN, true));
        assert!(!looks(&mut leaving, UNSEEN - 1, false));
        assert!(looks(&mut leaving, 1, false));
    }

    #[test]
    fn a_worker_that_stood_still_for_a_moment_is_there() {
        let mut leaving = leaving();
        assert!(!looks(&mut leaving, UNSEEN - 1, false));
        assert!(!leaving.is_gone(Some(ann(7)), false));
        assert!(!looks(&mut leaving, UNSEEN - 1, false));
        assert!(looks(&mut leaving, 1, false));
    }

    #[test]
    fn a_new_life_of_the_name_is_another() {
        assert!(leaving().is_gone(Some(ann(8)), true));
        assert!(!leaving().is_gone(Some(ann(7)), false));
    }
}
