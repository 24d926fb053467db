//! Every command of a player is decided exactly once, and every player was told what the log says.
//!
//! A session's commands are numbered from 1. However often a command stands in the log (edges send again, areas pass
//! on), exactly one frame decides it: the one that consumes it where the character is, in the session that holds it, as the
//! next that was not decided before. The books kept here are a body's session and the last number decided, no more.

use std::collections::BTreeMap;

use schemas::command::{AreaMessage, PlayerAsk, PlayerCommand};
use schemas::fact::{DepartureReason, Fact};
use schemas::ids::CommandPosition;
use schemas::outcome::Reason;
use schemas::wire::ClientMessage;
use schemas::{AreaId, CharacterId, Handle, Sequence, UnixMillis};

use super::Finding;
use super::log::{Log, Placed, Sent};
use crate::faults::actor::{Era, Told};

/// A command must have waited so long, ms, before it may be refused for that: five seconds, less what clocks differ.
const EXPIRES_AFTER: u64 = 4500;

/// A command: whose, of which session, its number.
type Key = (CharacterId, u32, u32);

/// The decision of a command.
#[derive(Debug, Clone)]
struct Decision {
    area: AreaId,
    sequence: Sequence,
    ask: PlayerAsk,
    /// The reason's number, if it was refused.
    refused: Option<u8>,
}

/// A body, as far as these books need it.
#[derive(Debug, Clone, Copy)]
struct Sitting {
    character: CharacterId,
    session: u64,
    last: u32,
}

#[derive(Default)]
struct Books {
    eras: BTreeMap<(CharacterId, u64), u32>,
    decided: BTreeMap<Key, Vec<Decision>>,
    spoken: BTreeMap<CharacterId, u64>,
    through_doors: BTreeMap<CharacterId, u64>,
    findings: Vec<Finding>,
}

/// Compares the commands in the log with their outcomes, and both with what players were told; how many were decided.
pub(super) fn check(log: &Log, told: &[Told], findings: &mut Vec<Finding>) -> usize {
    let mut books = Books {
        eras: log.eras(),
        ..Books::default()
    };
    for (area, frames) in &log.frames {
        let none = Vec::new();
        let commands = log.commands.get(area).unwrap_or(&none);
        books.area(area, frames, commands);
    }
    books.each_once();
    books.words_and_doors();
    for one in told {
        books.compare(one);
    }
    findings.append(&mut books.findings);
    books.decided.len()
}

impl Books {
    fn find(&mut self, message: String) {
        self.findings.push(Finding::new("commands", message));
    }

    fn area(&mut self, area: &AreaId, frames: &[Placed], commands: &[Sent]) {
        let mut sitting: BTreeMap<Handle, Sitting> = BTreeMap::new();
        let mut waiting = commands.iter().peekable();
        let mut from = CommandPosition::default();
        for placed in frames {
            let to = placed.frame.pos;
            let mut consumed: Vec<(&PlayerCommand, UnixMillis)> = Vec::new();
            while let Some(sent) = waiting.next_if(|sent| sent.sequence <= to.sequence) {
                if let Some(AreaMessage::Players(batch)) = &sent.message {
                    let taken = (1..).zip(&batch.commands).filter(|(index, _)| {
                        let at = (sent.sequence, *index);
                        at > (from.sequence, from.index) && at <= (to.sequence, to.index)
                    });
                    consumed.extend(taken.map(|(_, command)| (command, sent.stored_at)));
                }
                let whole = sent.message.as_ref().map_or(1, AreaMessage::len);
                if sent.sequence == to.sequence && (to.index as usize) < whole {
                    // The rest of it belongs to later frames.
                    break;
                }
            }
            // A message that is consumed in pieces is looked at again.
            if let Some(partly) = commands
                .iter()
                .position(|sent| sent.sequence == to.sequence)
            {
                waiting = commands[partly..].iter().peekable();
            }
            self.frame(area, placed, &consumed, &mut sitting);
            from = to;
        }
    }

    fn frame(
        &mut self,
        area: &AreaId,
        placed: &Placed,
        consumed: &[(&PlayerCommand, UnixMillis)],
        sitting: &mut BTreeMap<Handle, Sitting>,
    ) {
        let frame = &placed.frame;
        // Who arrives in this frame and who has just been taken over may give commands in it, too.
        for fact in &frame.facts {
            match fact {
                Fact::Arrived {
                    handle, traveller, ..
                } => {
                    let sits = Sitting {
                        character: traveller.character,
                        session: traveller.session.0,
                        last: traveller.last_seq,
                    };
                    sitting.insert(*handle, sits);
                }
                Fact::SessionTaken {
                    handle,
                    session,
                    resumed,
                    ..
                } => {
                    if let Some(sits) = sitting.get_mut(handle) {
                        sits.session = session.0;
                        if !resumed {
                            sits.last = 0;
                        }
                    }
                }
                Fact::Spoken { character, .. } => *self.spoken.entry(*character).or_default() += 1,
                Fact::Departed {
                    character,
                    reason: DepartureReason::Door,
                    ..
                } => *self.through_doors.entry(*character).or_default() += 1,
                _ => {}
            }
        }
        let accepted: BTreeMap<Handle, u32> = frame.outcomes.accepted().collect();
        for (command, stored_at) in consumed {
            let refusals: Vec<u8> = frame
                .outcomes
                .rejected
                .iter()
                .filter(|no| (no.character, no.seq) == (command.character, command.seq))
                .map(|no| no.reason.number())
                .collect();
            // The broker's clock for both: a wrong clock of the owner's is no reason.
            let waited = placed.stored_at.0.saturating_sub(stored_at.0);
            if refusals.contains(&Reason::Expired.number()) && waited < EXPIRES_AFTER {
                self.find(format!(
                    "{area}, sequence {}: command {} of {} has expired after {waited} ms",
                    placed.sequence, command.seq, command.character
                ));
            }
            let body = sitting.iter_mut().find(|(_, sits)| {
                sits.character == command.character && sits.session == command.session.0
            });
            let Some((handle, sits)) = body else {
                if refusals.is_empty() {
                    self.find(format!(
                        "{area}, sequence {}: command {} of {} has no outcome, though it is of nobody here",
                        placed.sequence, command.seq, command.character
                    ));
                }
                continue;
            };
            if command.seq <= sits.last {
                continue;
            }
            let covered = accepted.get(handle).is_some_and(|to| *to >= command.seq);
            if refusals.is_empty() && !covered {
                self.find(format!(
                    "{area}, sequence {}: command {} of {} has no outcome",
                    placed.sequence, command.seq, command.character
                ));
                continue;
            }
            if !covered {
                // Refused before its turn came: it may be sent again and decided then.
                continue;
            }
            sits.last = command.seq;
            let era = (command.character, command.session.0);
            let era = self.eras.get(&era).copied().unwrap_or(0);
            let key = (command.character, era, command.seq);
            let decision = Decision {
                area: area.clone(),
                sequence: placed.sequence,
                ask: command.ask.clone(),
                refused: refusals.first().copied(),
            };
            self.decided.entry(key).or_default().push(decision);
        }
        for fact in &frame.facts {
            if let Fact::Departed { handle, .. } = fact {
                sitting.remove(handle);
            }
        }
    }

    /// No command twice, and none left out: an acknowledgement covers all numbers below it.
    fn each_once(&mut self) {
        let mut last: Option<Key> = None;
        let mut wrong = Vec::new();
        for (key, decisions) in &self.decided {
            let (character, era, seq) = *key;
            if let [first, second, ..] = &decisions[..] {
                wrong.push(format!(
                    "command {seq} of {character} in session {era} is decided twice: in {} at {} and in {} at {}",
                    first.area, first.sequence, second.area, second.sequence
                ));
            }
            let before = last.filter(|last| (last.0, last.1) == (character, era));
            let expected = before.map_or(1, |last| last.2 + 1);
            if seq != expected {
                wrong.push(format!(
                    "commands {expected} to {} of {character} in session {era} were never decided, but {seq} was",
                    seq - 1
                ));
            }
            last = Some(*key);
        }
        wrong.into_iter().for_each(|wrong| self.find(wrong));
    }

    /// What was accepted happened, once: as many lines as accepted words, as many departures as accepted doors.
    fn words_and_doors(&mut self) {
        let mut said: BTreeMap<CharacterId, u64> = BTreeMap::new();
        let mut doors: BTreeMap<CharacterId, u64> = BTreeMap::new();
        for ((character, _, _), decisions) in &self.decided {
            for decision in decisions
                .iter()
                .filter(|decision| decision.refused.is_none())
            {
                let count = match decision.ask {
                    PlayerAsk::Say { .. } => &mut said,
                    PlayerAsk::UseDoor => &mut doors,
                    _ => continue,
                };
                *count.entry(*character).or_default() += 1;
            }
        }
        let mut wrong = Vec::new();
        for (what, accepted, happened) in [
            ("lines", &said, &self.spoken),
            ("doors", &doors, &self.through_doors),
        ] {
            for character in accepted.keys().chain(happened.keys()) {
                let count =
                    |books: &BTreeMap<CharacterId, u64>| books.get(character).copied().unwrap_or(0);
                let (accepted, happened) = (count(accepted), count(happened));
                if accepted != happened {
                    wrong.push(format!(
                        "{character}: {accepted} {what} were accepted, {happened} happened"
                    ));
                }
            }
        }
        wrong.dedup();
        wrong.into_iter().for_each(|wrong| self.find(wrong));
    }

    fn compare(&mut self, told: &Told) {
        let Ok(character) = told.character.parse::<CharacterId>() else {
            return self.find(format!("{} has no id", told.name));
        };
        for era in &told.eras {
            let Some(fence) = era.fences.first() else {
                continue;
            };
            let Some(number) = self.eras.get(&(character, *fence)).copied() else {
                self.find(format!(
                    "{} was told of session {fence}, of which the lobby knows nothing",
                    told.name
                ));
                continue;
            };
            self.compare_session(&told.name, (character, number), era);
        }
    }

    fn compare_session(&mut self, name: &str, of: (CharacterId, u32), era: &Era) {
        let mut wrong = Vec::new();
        for seq in 1..=era.acknowledged {
            let what = format!("{name}, session {}, command {seq}", of.1);
            let Some([decision, ..]) = self.decided.get(&(of.0, of.1, seq)).map(Vec::as_slice)
            else {
                wrong.push(format!(
                    "{what}: acknowledged, but the log never decided it"
                ));
                continue;
            };
            let refused = era.refused.get(&seq).copied();
            if decision.refused != refused {
                wrong.push(format!(
                    "{what}: told {refused:?}, in {} at {} it is {:?} (the reason's number, if refused)",
                    decision.area, decision.sequence, decision.refused
                ));
            }
            let given = era.given.get(seq as usize - 1);
            if !given.is_some_and(|given| is_same(given, &decision.ask)) {
                wrong.push(format!(
                    "{what}: given {given:?}, decided {:?}",
                    decision.ask
                ));
            }
        }
        wrong.into_iter().for_each(|wrong| self.find(wrong));
    }
}

/// Whether what stands in the log is what the player gave; words are sealed there.
fn is_same(given: &ClientMessage, ask: &PlayerAsk) -> bool {
    match (given, ask) {
        (ClientMessage::Input { bits, .. }, PlayerAsk::Input { bits: there, .. }) => {
            *bits == there.0
        }
        (ClientMessage::Say { .. }, PlayerAsk::Say { .. })
        | (ClientMessage::UseDoor { .. }, PlayerAsk::UseDoor)
        | (ClientMessage::Leave { .. }, PlayerAsk::Leave) => true,
        _ => false,
    }
}
