//! Which command got which outcome.
//!
//! A frame lists outcomes packed: a body's commands up to a sequence have had theirs, and those
//! not listed as rejected were accepted. Here each consumed command finds its own, and what is
//! left over on either side is told.

use std::collections::{BTreeSet, HashMap};

use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::outcome::{EffectOutcome, EffectVerdict, Reason, Rejected};
use schemas::{CharacterId, ClientSeq, Handle};
use world::{AreaState, Command, Incoming};

use crate::commands::Consumed;

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A player's, accepted.
    Accepted,
    /// Refused.
    Rejected(Reason),
    /// An effect's.
    Effect(EffectVerdict),
    /// A keep-alive or a receipt: taken note of.
    Noted,
    /// None is in the frame that consumed it: a fault of the log.
    Missing,
}

/// A frame's commands and what became of them.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    pub(crate) commands: Vec<(Incoming, Verdict)>,
    /// Outcomes in the frame for which no command was consumed.
    pub(crate) strays: Vec<String>,
}

/// Under which handles a frame may speak of each character.
fn handles(
    frame: &Frame,
    states: [Option<&AreaState>; 2],
) -> HashMap<CharacterId, BTreeSet<Handle>> {
    let mut known: HashMap<CharacterId, BTreeSet<Handle>> = HashMap::new();
    for body in states.into_iter().flatten().flat_map(AreaState::bodies) {
        known.entry(body.character).or_default().insert(body.handle);
    }
    for fact in &frame.facts {
        if let Fact::Arrived {
            handle, traveller, ..
        } = fact
        {
            known
                .entry(traveller.character)
                .or_default()
                .insert(*handle);
        }
    }
    known
}

struct Open<'a> {
    rejected: Vec<&'a Rejected>,
    effects: Vec<&'a EffectOutcome>,
    undecodable: u32,
    accepted: HashMap<Handle, ClientSeq>,
    handles: HashMap<CharacterId, BTreeSet<Handle>>,
}

impl Open<'_> {
    fn verdict(&mut self, command: &Command) -> Verdict {
        match command {
            Command::Player { cmd, .. } => {
                let listed = self.rejected.iter().position(|rejected| {
                    (rejected.character, rejected.seq) == (cmd.character, cmd.seq)
                });
                if let Some(at) = listed {
                    return Verdict::Rejected(self.rejected.remove(at).reason);
                }
                let up_to = self
                    .handles
                    .get(&cmd.character)
                    .into_iter()
                    .flatten()
                    .filter_map(|handle| self.accepted.get(handle))
                    .max();
                match up_to {
                    Some(up_to) if *up_to >= cmd.seq => Verdict::Accepted,
                    _ => Verdict::Missing,
                }
            }
            Command::Effect(message) => {
                let listed = self.effects.iter().position(|outcome| {
                    (&outcome.source, outcome.number) == (&message.source, message.effect.number)
                });
                listed.map_or(Verdict::Missing, |at| {
                    Verdict::Effect(self.effects.remove(at).verdict)
                })
            }
            Command::Undecodable if self.undecodable > 0 => {
                self.undecodable -= 1;
                Verdict::Rejected(Reason::Undecodable)
            }
            Command::Undecodable => Verdict::Missing,
            Command::Alive { .. } | Command::Confirmation(_) => Verdict::Noted,
            Command::Fault { .. } => Verdict::Rejected(Reason::Fault),
        }
    }
}

/// Finds every command its outcome; `before` and `after` are the area's states around the frame.
pub(crate) fn judge(
    frame: &Frame,
    consumed: Consumed,
    before: Option<&AreaState>,
    after: Option<&AreaState>,
) -> Judgement {
    let outcomes = &frame.outcomes;
    let mut open = Open {
        rejected: outcomes.rejected.iter().collect(),
        effects: outcomes.effects.iter().collect(),
        undecodable: outcomes.undecodable,
        accepted: outcomes.accepted().collect(),
        handles: if consumed.commands.is_empty() {
            HashMap::new()
        } else {
            handles(frame, [before, after])
        },
    };
    let commands = consumed
        .commands
        .into_iter()
        .map(|incoming| {
            let verdict = open.verdict(&incoming.command);
            (incoming, verdict)
        })
        .collect();
    let mut strays = Vec::new();
    if !consumed.incomplete {
        strays.extend(open.rejected.iter().map(|rejected| {
            let Rejected { character, seq, .. } = rejected;
            format!("a rejection of command {seq} of {character}, which it has not consumed")
        }));
        strays.extend(open.effects.iter().map(|outcome| {
            let EffectOutcome { source, number, .. } = outcome;
            format!("an outcome of effect {number} of {source}, which it has not consumed")
        }));
        if open.undecodable > 0 {
            strays.push(format!(
                "{} undecodable messages too many",
                open.undecodable
            ));
        }
    }
    Judgement { commands, strays }
}
