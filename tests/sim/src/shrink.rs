//! From a schedule that fails to a smaller one that still does.

use crate::run::run;
use crate::schedule::{Action, Schedule};

/// Leaves out what is not needed: halves of the steps, single steps, players, processes. Gives up
/// after `most` runs.
#[must_use]
pub fn shrink(schedule: &Schedule, most: usize) -> Schedule {
    let mut smallest = schedule.clone();
    let mut runs = 0;
    let mut fails = |candidate: &Schedule| {
        runs += 1;
        runs <= most && run(candidate).is_ok_and(|outcome| !outcome.findings.is_empty())
    };
    loop {
        let found = smaller(&smallest)
            .into_iter()
            .find(|candidate| fails(candidate));
        match found {
            Some(candidate) => smallest = candidate,
            None => return smallest,
        }
    }
}

/// Smaller schedules, the smallest first.
fn smaller(schedule: &Schedule) -> Vec<Schedule> {
    let mut all = Vec::new();
    let steps = &schedule.steps;
    let without = |from: usize, to: usize| {
        let mut fewer = steps.clone();
        fewer.drain(from..to);
        Schedule {
            steps: fewer,
            ..schedule.clone()
        }
    };
    let mut piece = steps.len();
    while piece >= 1 {
        let starts = (0..steps.len()).step_by(piece);
        all.extend(starts.map(|from| without(from, (from + piece).min(steps.len()))));
        piece /= 2;
    }
    let fewer = |count: u8| count.checked_sub(1).filter(|count| *count > 0);
    if let Some(players) = fewer(schedule.players) {
        all.push(Schedule {
            players,
            ..schedule.clone()
        });
    }
    for (role, count) in [
        ("director-", fewer(schedule.directors)),
        ("lobby-", fewer(schedule.lobbies)),
        ("worker-", fewer(schedule.workers)),
    ] {
        let Some(count) = count else { continue };
        let gone = format!("{role}{count}");
        if steps.iter().any(|step| is_about(&step.action, &gone)) {
            continue;
        }
        let mut smaller = schedule.clone();
        match role {
            "director-" => smaller.directors = count,
            "lobby-" => smaller.lobbies = count,
            _ => smaller.workers = count,
        }
        all.push(smaller);
    }
    all
}

fn is_about(action: &Action, name: &str) -> bool {
    match action {
        Action::Kill(role, _)
        | Action::Pause(role, _)
        | Action::Cut(role, ..)
        | Action::Storm(role, _)
        | Action::Drain(role, _)
        | Action::Clock(role, _) => role.to_string() == name,
        // Whoever is the owner then.
        Action::KillAt(..) => name.starts_with("worker-"),
        Action::Stall(_) | Action::Leaderless(_) | Action::Join(_) => false,
    }
}
