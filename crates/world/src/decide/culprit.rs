//! Commands on which the rules break.
//!
//! A panic in `decide` happens on a copy, so nothing is lost by it but time. The culprit is the last command of the
//! shortest beginning of the batch that breaks; it is marked, so that the rules refuse it as a fault without looking, and
//! the tick is decided again. Whoever decides the same tick later must find the same one, so the search is here, and is
//! the owner's and replay's.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Decision, Incoming, TickInput, decide_tick};
use crate::map::Map;
use crate::rules::Rules;
use crate::state::AreaState;

/// The rules break without any command, so that nothing can be left out: the area cannot tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the rules break on this state without any command")]
pub struct Broken;

/// Decides a tick; commands on which the rules break are marked in `input`, and handed to `found` as they were.
///
/// # Errors
/// [`Broken`] when no command can be blamed.
pub fn decide_despite_faults(
    rules: &Rules,
    state: &AreaState,
    map: &Map,
    input: &mut TickInput,
    mut found: impl FnMut(&Incoming),
) -> Result<Decision, Broken> {
    loop {
        let whole = input.commands.len();
        if let Some(decision) = attempt(rules, state, map, input, whole) {
            return Ok(decision);
        }
        let breaks = |length| attempt(rules, state, map, input, length).is_none();
        let culprit = culprit(breaks, whole).ok_or(Broken)?;
        let command = input.commands[culprit].clone();
        found(&command);
        input.commands[culprit] = command.as_fault();
    }
}

/// Decides on the first `length` commands; `None` when the rules panic.
fn attempt(
    rules: &Rules,
    state: &AreaState,
    map: &Map,
    input: &TickInput,
    length: usize,
) -> Option<Decision> {
    let batch = TickInput {
        tick: input.tick,
        at: input.at,
        commands: input.commands[..length].to_vec(),
        first_facts: input.first_facts.clone(),
    };
    // What a panic leaves behind is the copy that `decide_tick` worked on, which is dropped.
    catch_unwind(AssertUnwindSafe(|| decide_tick(rules, state, map, batch))).ok()
}

/// The last command of the shortest beginning that breaks; `None` when nothing at all breaks already.
fn culprit(breaks: impl Fn(usize) -> bool, length: usize) -> Option<usize> {
    if breaks(0) {
        return None;
    }
    let (mut whole, mut broken) = (0, length);
    while broken - whole > 1 {
        let middle = whole.midpoint(broken);
        if breaks(middle) {
            broken = middle;
        } else {
            whole = middle;
        }
    }
    broken.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_culprit_is_the_end_of_the_shortest_beginning_that_breaks() {
        for length in 1..20 {
            for wanted in 0..length {
                let breaks = |beginning: usize| beginning > wanted;
                assert_eq!(culprit(breaks, length), Some(wanted));
            }
            assert_eq!(culprit(|_| true, length), None);
        }
    }
}
