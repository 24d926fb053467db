//! Commands that break the rules.
//!
//! `world` finds the culprit and refuses it as a fault, so that the tick goes on without it. Faults are bugs: each is
//! reported, and three in a minute mean that the area cannot be trusted to go on.

use std::collections::VecDeque;
use std::time::Duration;

use runtime::metric_definitions::WORLD_FAULTS_TOTAL;
use tokio::time::Instant;
use world::{
    AreaState, Broken, Command, Decision, Incoming, Map, Rules, TickInput, decide_despite_faults,
};

/// So many faults …
const MOST_FAULTS: usize = 3;
/// … within so long put an area into quarantine.
const FAULT_WINDOW: Duration = Duration::from_secs(60);

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
    let (tick, mut faults) = (input.tick, 0);
    let found = |command: &Incoming| {
        tracing::error!(
            area.id = %state.area(), tick = %tick, command = ?command.command,
            event.seq = %command.position.sequence, command.index = command.position.index,
            "a command broke the rules; it is rejected as a fault: please report it"
        );
        metrics::counter!(WORLD_FAULTS_TOTAL, "kind" => kind(&command.command)).increment(1);
        faults += 1;
    };
    let decision = decide_despite_faults(&Rules::DEFAULT, state, map, &mut input, found)?;
    Ok(Decided {
        decision,
        commands: input.commands,
        faults,
    })
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
    fn three_faults_in_a_minute_are_too_many() {
        let (start, mut log) = (Instant::now(), FaultLog::default());
        assert!(!log.note(2, start));
        assert!(!log.note(0, start + FAULT_WINDOW / 2));
        assert!(!log.note(1, start + FAULT_WINDOW));
        assert!(log.note(2, start + FAULT_WINDOW + FAULT_WINDOW / 2));
    }
}
