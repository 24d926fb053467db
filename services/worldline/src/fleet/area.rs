//! `worldline area list`, `open`, `close`, `overflow`, `pin` and `unpin`.

use std::process::ExitCode;

use ::director::book::OpenArea;
use schemas::AreaId;
use schemas::control::{ControlCommand, Placement};
use serde_json::json;

use super::cli::{AreaTool, Who};
use super::table::{or_dash, print};
use super::{Desk, exit, order, print_json};

pub(super) async fn run(desk: &Desk, tool: AreaTool) -> anyhow::Result<ExitCode> {
    match tool {
        AreaTool::List { json } => list(desk, json).await,
        AreaTool::Open { area, soft, who } => open(desk, area, soft, &who).await,
        AreaTool::Close {
            area,
            overflow,
            who,
        } => steer(desk, area, true, overflow, None, &who).await,
        AreaTool::Overflow {
            area,
            to,
            soft,
            who,
        } => steer(desk, area, false, to, soft, &who).await,
        AreaTool::Pin { area, worker, who } => pin(desk, area, Some(worker), &who).await,
        AreaTool::Unpin { area, who } => pin(desk, area, None, &who).await,
    }
}

fn state(open: &OpenArea, placed: Option<&Placement>, awake: bool) -> &'static str {
    if placed.is_some_and(|placed| placed.quarantined) {
        "quarantined"
    } else if open.unconfirmed {
        "being told"
    } else if open.control.closed {
        "closed"
    } else if open.control.overflow.is_some() {
        "full"
    } else if awake {
        "awake"
    } else {
        "asleep"
    }
}

async fn list(desk: &Desk, json: bool) -> anyhow::Result<ExitCode> {
    let survey = desk.survey().await?;
    let situation = &survey.situation;
    let (bodies, load) = (situation.fleet.population(), situation.fleet.load());
    if json {
        let entry = |(area, open): (&AreaId, &OpenArea)| {
            json!({
                "area": area,
                "state": state(open, situation.placed.get(area), bodies.contains_key(area)),
                "control": open.control,
                "placement": situation.placed.get(area),
                "bodies": bodies.get(area),
                "load": load.get(area).map(|load| load.core),
            })
        };
        print_json(&situation.book.iter().map(entry).collect::<Vec<_>>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let row = |(area, open): (&AreaId, &OpenArea)| {
        let placed = situation.placed.get(area);
        let steered = open.control.steered.as_ref();
        let why = steered.map(|order| format!("{} {}", order.by, order.reason));
        [
            area.to_string(),
            or_dash(open.control.map.as_deref()),
            state(open, placed, bodies.contains_key(area)).to_owned(),
            or_dash(placed.and_then(|placed| placed.worker.as_deref())),
            or_dash(placed.and_then(|placed| placed.successor.as_deref())),
            bodies
                .get(area)
                .map_or_else(|| "-".to_owned(), u32::to_string),
            or_dash(open.control.overflow.as_ref().map(AreaId::as_str)),
            or_dash(open.control.pinned.as_deref()),
            or_dash(why.as_deref().map(str::trim)),
        ]
    };
    let rows: Vec<_> = situation.book.iter().map(row).collect();
    let headings = [
        "AREA",
        "MAP",
        "STATE",
        "OWNER",
        "SUCCESSOR",
        "BODIES",
        "OVERFLOW",
        "PINNED",
        "STEERED BY",
    ];
    print(headings, &rows);
    Ok(ExitCode::SUCCESS)
}

/// Opens what is not open; what is, is handed back to the director.
async fn open(desk: &Desk, area: AreaId, soft: Option<u32>, who: &Who) -> anyhow::Result<ExitCode> {
    let book = ::director::book::Book::read(&desk.log).await?.0;
    if book.get(&area).is_some() {
        return steer(desk, area, false, None, soft, who).await;
    }
    let command = ControlCommand::OpenArea {
        area: area.clone(),
        seed: rand::random(),
    };
    if !desk.order_area(area.as_str(), &command).await? {
        return Ok(ExitCode::FAILURE);
    }
    println!("{area} is open");
    match soft {
        Some(_) => steer(desk, area, false, None, soft, who).await,
        None => Ok(ExitCode::SUCCESS),
    }
}

async fn steer(
    desk: &Desk,
    area: AreaId,
    closed: bool,
    overflow: Option<AreaId>,
    soft: Option<u32>,
    who: &Who,
) -> anyhow::Result<ExitCode> {
    let book = ::director::book::Book::read(&desk.log).await?.0;
    let before = book.get(&area).map_or(0, |open| open.control.soft);
    let to = overflow
        .as_ref()
        .map_or_else(|| "the lobby".to_owned(), AreaId::to_string);
    let has_overflow = overflow.is_some();
    let command = ControlCommand::Steer {
        area: area.clone(),
        closed,
        overflow,
        soft: soft.unwrap_or(before),
        order: order(who),
    };
    let done = desk.order_area(area.as_str(), &command).await?;
    if done {
        match (closed, has_overflow) {
            (true, _) => println!("{area} is closed and sends everybody on to {to}"),
            (false, true) => println!("{area} sends who comes on to {to} while it is full"),
            (false, false) => println!("{area} is open; the director leads it"),
        }
    }
    Ok(exit(done))
}

async fn pin(
    desk: &Desk,
    area: AreaId,
    worker: Option<String>,
    who: &Who,
) -> anyhow::Result<ExitCode> {
    let command = ControlCommand::Pin {
        area: area.clone(),
        worker: worker.clone(),
        order: order(who),
    };
    let done = desk.order_area(area.as_str(), &command).await?;
    if done {
        match worker {
            Some(worker) => println!("{area} is for {worker} alone"),
            None => println!("any worker may own {area}"),
        }
    }
    Ok(exit(done))
}
