//! What the players were told: nothing contradicts itself, nothing is missing, no socket fell that should have stayed.

use schemas::outcome::Reason;

use super::Finding;
use crate::faults::actor::Told;
use crate::faults::ground::Ground;
use crate::faults::run::{Held, may_break};

/// Refusals that an honest player may meet: a door that was passed, a world that stood still for five seconds, and words
/// that were held up and all came in the same tick.
const ORDINARY: [Reason; 3] = [Reason::NoDoor, Reason::Expired, Reason::TooMany];

/// Looks at what actors and bots were told.
pub(crate) fn of_players(
    told: &[Told],
    bots: &bots::Report,
    held: &[Held],
    ground: &Ground,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for one in told {
        of_actor(one, held, ground, &mut findings);
    }
    let mut find = |message: String| findings.push(Finding::new("bots", message));
    if bots.connected != u64::from(bots.players) {
        find(format!(
            "only {} of {} joined",
            bots.connected, bots.players
        ));
    }
    if bots.commands_unanswered > 0 {
        find(format!(
            "{} commands were never answered",
            bots.commands_unanswered
        ));
    }
    if bots.sessions_lost > 0 {
        find(format!("{} sessions could not go on", bots.sessions_lost));
    }
    let answered = bots.commands_accepted + bots.commands_rejected + bots.commands_unanswered;
    if bots.commands_sent != answered {
        find(format!(
            "{} commands given, {answered} answered",
            bots.commands_sent
        ));
    }
    let breakable = |fault: &Held| fault.fault.card().sockets != super::Sockets::Stay;
    if !bots.disconnects.is_empty() && !held.iter().any(breakable) {
        find(format!("sockets were lost: {:?}", bots.disconnects));
    }
    let ordinary = |name: &str| ["no_door", "expired", "too_many"].contains(&name);
    if let Some((reason, count)) = bots
        .rejected_by_reason
        .iter()
        .find(|(name, _)| !ordinary(name))
    {
        find(format!("{count} commands were refused for {reason}"));
    }
    findings
}

fn of_actor(told: &Told, held: &[Held], ground: &Ground, findings: &mut Vec<Finding>) {
    let name = &told.name;
    let mut find = |check, message: String| findings.push(Finding::new(check, message));
    if let Some(stuck) = &told.stuck {
        find("stuck", format!("{name}: {stuck}"));
    }
    for code in &told.lost_sessions {
        find(
            "session",
            format!("{name} could not go on with a session: closed with {code}"),
        );
    }
    for lost in &told.lost_sockets {
        if !may_break(held, ground, &lost.edge, lost.at) {
            let at = lost.at.saturating_duration_since(ground.begun);
            find(
                "socket",
                format!(
                    "{name} lost the socket to {} with code {} after {} ms, and nothing had harmed that edge",
                    lost.edge,
                    lost.code,
                    at.as_millis()
                ),
            );
        }
    }
    for era in &told.eras {
        for broken in &era.broken {
            find("told", format!("{name} was told nonsense: {broken}"));
        }
        for (seq, reason) in &era.refused {
            if !ORDINARY.iter().any(|known| known.number() == *reason) {
                find(
                    "refused",
                    format!("{name}: command {seq} was refused for reason {reason}"),
                );
            }
        }
    }
}
