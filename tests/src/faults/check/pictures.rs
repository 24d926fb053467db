//! What a player saw last is what the log says: everybody in view, where they stand, and what was acknowledged.

use schemas::{AreaId, Step};
use world::AreaState;

use super::Finding;
use super::worlds::Seen;
use crate::faults::actor::Told;

/// After which frames the states are needed.
pub(super) fn wanted(told: &[Told]) -> impl Iterator<Item = (AreaId, u64)> + '_ {
    let views = told.iter().filter_map(|told| told.last.as_ref());
    views.filter_map(|view| Some((AreaId::new(&view.area).ok()?, view.sequence)))
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
