//! What a player saw last is what the log says: everybody in view, where they stand, and what was acknowledged.

use bots::LastSeen;
use schemas::{AreaId, Step};
use world::AreaState;

use super::Finding;
use super::worlds::Seen;
use crate::faults::actor::Told;

/// After which frames the states are needed.
pub(super) fn wanted<'a>(
    told: &'a [Told],
    bots: &'a [LastSeen],
) -> impl Iterator<Item = (AreaId, u64)> + 'a {
    let views = told.iter().filter_map(|told| told.last.as_ref());
    let actors = views.map(|view| (&view.area, view.sequence));
    let bots = bots.iter().map(|seen| (&seen.area, seen.sequence));
    let both = actors.chain(bots);
    both.filter_map(|(area, sequence)| Some((AreaId::new(area).ok()?, sequence)))
}

/// A bot knows no more than its own body: where it stood last and what was acknowledged by then.
pub(super) fn bots(bots: &[LastSeen], seen: &[Seen], findings: &mut Vec<Finding>) -> usize {
    let mut compared = 0;
    for bot in bots.iter().filter(|bot| !bot.area.is_empty()) {
        let mut find = |what: String| {
            let message = format!(
                "bot {} in {}, at sequence {}: {what}",
                bot.character, bot.area, bot.sequence
            );
            findings.push(Finding::new("pictures", message));
        };
        let then = seen
            .iter()
            .find(|seen| seen.area.as_str() == bot.area && seen.sequence == bot.sequence);
        let Some(then) = then else {
            find("the log has no such frame".to_owned());
            continue;
        };
        let mut bodies = then.state.bodies();
        let Some(body) = bodies.find(|body| body.character.to_string() == bot.character) else {
            // The last that it saw was its own departure: it was on its way when all were asked.
            continue;
        };
        let at = body.segment.position(Step(bot.step + 1));
        if at != (bot.x, bot.y) {
            find(format!(
                "saw itself at {:?}, it was at {at:?}",
                (bot.x, bot.y)
            ));
        }
        if body.last_seq() != bot.ack_seq {
            let decided = body.last_seq();
            find(format!("acknowledged {}, decided {decided}", bot.ack_seq));
        }
        compared += 1;
    }
    compared
}

pub(super) fn check(told: &[Told], seen: &[Seen], findings: &mut Vec<Finding>) -> usize {
    let mut compared = 0;
    for one in told {
        let Some(view) = &one.last else { continue };
        let mut find = |what: String| {
            let message = format!(
                "{} in {}, at sequence {}: {what}",
                one.name, view.area, view.sequence
            );
            findings.push(Finding::new("pictures", message));
        };
        let then = seen
            .iter()
            .find(|seen| seen.area.as_str() == view.area && seen.sequence == view.sequence);
        let Some(then) = then else {
            find("the log has no such frame".to_owned());
            continue;
        };
        let state: &AreaState = &then.state;
        match state.body(view.handle) {
            Some(own) if own.character.to_string() == one.character => {
                if own.last_seq() != view.own.ack_seq {
                    let (there, told) = (own.last_seq(), view.own.ack_seq);
                    find(format!("acknowledged {told}, decided {there}"));
                }
            }
            other => find(format!(
                "its own body is {:?}",
                other.map(|body| body.character)
            )),
        }
        for (handle, body) in &view.bodies {
            let Some(there) = state.body(*handle) else {
                find(format!("sees {} ({handle}), who is not there", body.name));
                continue;
            };
            if there.character.to_string() != body.character {
                find(format!("takes {handle} for {}", body.character));
            }
            // Now and in half a second: the same motion.
            for step in [view.step + 1, view.step + 25] {
                let (told, is) = (
                    body.segment.position(Step(step)),
                    there.segment.position(Step(step)),
                );
                if told != is {
                    find(format!(
                        "sees {} at {told:?} in step {step}, but it is at {is:?}",
                        body.name
                    ));
                    break;
                }
            }
            compared += 1;
        }
    }
    compared
}
