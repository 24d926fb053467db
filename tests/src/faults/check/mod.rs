//! What must be true whatever was done, asked of the players, the log and the rows.
//!
//! The checkers here share no code with what they check, beyond the messages' types and, where bodies move, the one
//! `fold` of the world: they keep their own books. `worldline replay verify` and `projector check` are asked too: two
//! witnesses who have not talked to each other.

mod chain;
mod commands;
mod effects;
pub(crate) mod log;
mod pictures;
mod places;
mod players;
mod rows;
mod worlds;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::actor::Told;
pub(crate) use super::catalogue::Sockets;
use crate::Stack;
use crate::checks;

pub(crate) use players::of_players;

/// Something that should not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which checker found it.
    pub check: &'static str,
    /// In words.
    pub message: String,
}

impl Finding {
    /// What `check` found.
    pub fn new(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<9} {}", self.check, self.message)
    }
}

/// Reads everything that a stack has written, when everybody has left; returns what was looked at.
pub(crate) async fn of_log_and_rows(
    stack: &Stack,
    told: &[Told],
    bots: &[bots::LastSeen],
    findings: &mut Vec<Finding>,
) -> String {
    // What is still on its way arrives first; whether it has is the witness's own word.
    if let Err(error) = checks::log_is_whole(stack).await {
        findings.push(Finding::new("replay", format!("{error:#}")));
    }
    let looked_at = match of_log(stack, told, bots, findings).await {
        Ok(looked_at) => looked_at,
        Err(error) => {
            findings.push(Finding::new("log", format!("{error:#}")));
            String::new()
        }
    };
    if let Err(error) = checks::rows_are_what_the_log_says(stack).await {
        findings.push(Finding::new("rows", format!("{error:#}")));
    }
    looked_at
}

async fn of_log(
    stack: &Stack,
    told: &[Told],
    bots: &[bots::LastSeen],
    findings: &mut Vec<Finding>,
) -> anyhow::Result<String> {
    let connection = stack.log("replay").await?;
    let log = log::Log::read(&connection).await?;
    let mut snapshots = BTreeMap::new();
    for area in log.frames.keys() {
        let kept = connection.snapshots().load(area).await?;
        snapshots.insert(area.clone(), kept);
    }
    let owners = chain::check(&log, findings);
    let effects = effects::Effects::of(&log, findings);
    let delivered = effects.check(findings);
    let places = places::check(&log, &effects, findings);
    let decided = commands::check(&log, told, findings);
    let wanted: BTreeSet<_> = pictures::wanted(told, bots).collect();
    let seen = worlds::check(&log, &snapshots, &wanted, findings);
    let bodies = pictures::check(told, &seen, findings) + pictures::bots(bots, &seen, findings);
    rows::check(stack, &places, findings).await?;
    Ok(format!(
        "{} frames of {} areas under {owners} owners, {decided} commands decided, {delivered} effects, {} characters, \
         {} snapshots, {bodies} bodies in last pictures",
        log.frames.values().map(Vec::len).sum::<usize>(),
        log.frames.len(),
        places.len(),
        snapshots.values().map(Vec::len).sum::<usize>(),
    ))
}
