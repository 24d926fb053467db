//! Commands on which the rules break.
//!
//! An owner catches the panic, finds the command, and decides the tick again with that command refused as a fault. Who
//! decides the same tick again does the same, and must find the same command.

use std::panic::{AssertUnwindSafe, catch_unwind};

use world::{AreaState, Decision, Incoming, Map, Rules, TickInput, decide_tick};

/// The rules break without any command: nothing can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the rules break on this state without any command")]
pub(crate) struct Broken;

/// Decides a tick; commands on which the rules break are marked as faults in `input`.
pub(super) fn decide(
    rules: &Rules,
    state: &AreaState,
    map: &Map,
    input: &mut TickInput,
) -> Result<Decision, Broken> {
    loop {
        if let Some(decision) = attempt(rules, state, map, input, input.commands.len()) {
            return Ok(decision);
        }
        let culprit = culprit(
            |length| attempt(rules, state, map, input, length).is_none(),
            input.commands.len(),
        )
        .ok_or(Broken)?;
        let command: Incoming = input.commands[culprit].clone();
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
    fn the_command_that_breaks_is_found_wherever_it_stands() {
        for length in 1..9 {
            for wanted in 0..length {
                assert_eq!(
                    culprit(|beginning| beginning > wanted, length),
                    Some(wanted)
                );
            }
            assert_eq!(culprit(|_| true, length), None);
        }
    }
}
