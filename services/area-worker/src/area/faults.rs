//! Commands that break the rules.
//!
//! A panic in `decide` is caught; it happened on a copy, so nothing is lost but time. The culprit
//! is found by deciding shorter and shorter beginnings of the batch, is marked so that the rules
//! refuse it without looking, and the tick is decided again. Faults are bugs: each is reported, and
//! three in a minute mean that the area cannot be trusted to go on.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use runtime::metric_definitions::WORLD_FAULTS_TOTAL;
use tokio::time::Instant;
use world::{AreaState, Command, Decision, Incoming, Map, Rules, TickInput, decide_tick};

/// So many faults …
const MOST_FAULTS: usize = 3;
/// … within so long put an area into quarantine.
const FAULT_WINDOW: Duration = Duration::from_secs(60);

/// The rules break without any command, so that nothing can be left out: the area cannot tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the rules break on this state without any command")]
pub(crate) struct Broken;

/// A decided tick.
pub(crate) struct Decided {
    /// The decision.
    pub(crate) decision: Decision,
    /// The commands it was given, culprits marked.
    pub(crate) commands: Vec<Incoming>,
    /// How many culprits were found.
    pub(crate) faults: usize,
}

/// Decides a tick, leaving out commands that break the rules.
pub(crate) fn decide(
    state: &AreaState,
    map: &Map,
    mut input: TickInput,
) -> Result<Decided, Broken> {
    let mut faults = 0;
    loop {
        if let Some(decision) = attempt(state, map, &input, input.commands.len()) {
            return Ok(Decided {
                decision,
                commands: input.commands,
                faults,
            });
        }
        let culprit = find_culprit(
            |length| attempt(state, map, &input, length).is_none(),
            input.commands.len(),
        )
        .ok_or(Broken)?;
        let command = input.commands[culprit].clone();
        tracing::error!(
            area.id = %state.area(), tick = %input.tick, command = ?command.command,
            event.seq = %command.position.sequence, command.index = command.position.index,
            "a command broke the rules; it is rejected as a fault: please report it"
        );
        metrics::counter!(WORLD_FAULTS_TOTAL, "kind" => kind(&command.command)).increment(1);
        faults += 1;
        input.commands[culprit] = command.as_fault();
    }
}

/// Decides on the first `length` commands; `None` when the rules panic.
fn attempt(state: &AreaState, map: &Map, input: &TickInput, length: usize) -> Option<Decision> {
    let batch = TickInput {
        tick: input.tick,
        at: input.at,
        commands: input.commands[..length].to_vec(),
        first_facts: input.first_facts.clone(),
    };
    // What a panic leaves behind is the copy that `decide_tick` worked on, which is dropped.
    catch_unwind(AssertUnwindSafe(|| {
        decide_tick(&Rules::DEFAULT, state, map, batch)
    }))
    .ok()
}

/// The last command of the shortest beginning that breaks; `None` when nothing at all breaks already.
fn find_culprit(breaks: impl Fn(usize) -> bool, length: usize) -> Option<usize> {
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

/// A name for metrics.
pub(crate) const fn kind(command: &Command) -> &'static str {
    match command {
        Command::Player { cmd, .. } => cmd.ask.kind(),
        Command::Alive { .. } => "alive",
        Command::Effect(_) => "effect",
        Command::Confirmation(_) => "confirmation",
        Command::Undecodable => "undecodable",
        Command::Fault { .. } => "fault",
    }
}

/// The faults of the last minute.
#[derive(Debug, Default)]
pub(crate) struct FaultLog(VecDeque<Instant>);

impl FaultLog {
    /// Notes so many faults; whether the area goes into quarantine.
    pub(crate) fn note(&mut self, faults: usize, now: Instant) -> bool {
        self.0.extend(std::iter::repeat_n(now, faults));
        let old = |at: &Instant| now.saturating_duration_since(*at) >= FAULT_WINDOW;
        while self.0.front().is_some_and(old) {
            self.0.pop_front();
        }
        self.0.len() >= MOST_FAULTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_culprit_is_the_end_of_the_shortest_beginning_that_breaks() {
        for length in 1..20 {
            for culprit in 0..length {
                let breaks = |beginning: usize| beginning > culprit;
                assert_eq!(find_culprit(breaks, length), Some(culprit));
            }
            assert_eq!(find_culprit(|_| true, length), None);
        }
    }

    #[test]
    fn three_faults_in_a_minute_are_too_many() {
        let (start, mut log) = (Instant::now(), FaultLog::default());
        assert!(!log.note(2, start));
        assert!(!log.note(0, start + FAULT_WINDOW / 2));
        assert!(!log.note(1, start + FAULT_WINDOW));
        assert!(log.note(2, start + FAULT_WINDOW + FAULT_WINDOW / 2));
    }
}
