//! The areas' frames: chain, hashes, outcomes, and who came and went.

use std::collections::{BTreeMap, BTreeSet};

use eventlog::Record;
use schemas::fact::Fact;
use schemas::frame::{Frame, MAX_FRAME_BYTES};
use schemas::outcome::EffectVerdict;
use schemas::subjects::{AREA_EVENTS, AggregateId, Subject};
use schemas::{AreaId, CharacterId, Sequence, UnixMillis};
use serde::{Deserialize, Serialize};
use world::AreaState;

use super::Books;
use super::cursor::Waiting;
use super::frame::{Faults, follow, moves, outcomes};
use super::mail::Needs;
use crate::ReplayError;
use crate::commands::Commands;
use crate::decide::Recorded;
use crate::skipped::Skips;

/// The next frame.
pub(super) struct Next {
    record: Record,
    frame: Result<(AreaId, Box<Frame>), String>,
    needs: Needs,
}

impl Waiting for Next {
    fn needs(&self) -> &Needs {
        &self.needs
    }
}

/// All areas.
pub(super) struct Areas {
    commands: Commands,
    folded: Folded,
}

/// How the areas stand.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Folded {
    /// `None`: its chain is broken, nothing after that can be said.
    states: BTreeMap<AreaId, Option<AreaState>>,
    last: BTreeMap<AreaId, Sequence>,
}

fn needs(area: &AreaId, frame: &Frame) -> Needs {
    let me = AggregateId::Area(area.clone());
    let applied = frame.outcomes.effects.iter().filter_map(|outcome| {
        let pair = (outcome.source.clone(), me.clone());
        (outcome.verdict == EffectVerdict::Applied).then_some((pair, outcome.number))
    });
    let confirmed = frame.facts.iter().filter_map(|fact| match fact {
        Fact::EffectsConfirmed { target, up_to } => Some(((me.clone(), target.clone()), *up_to)),
        _ => None,
    });
    Needs {
        issued: applied.collect(),
        applied: confirmed.collect(),
    }
}

impl Areas {
    pub(super) const fn new(commands: Commands, folded: Folded) -> Self {
        Self { commands, folded }
    }

    pub(super) const fn folded(&self) -> &Folded {
        &self.folded
    }

    /// What of the commands could not be read.
    pub(super) const fn skips(&mut self) -> &mut Skips {
        self.commands.skips()
    }

    pub(super) const fn commands(&self) -> &Commands {
        &self.commands
    }

    /// Each area that has frames, and when it was last heard of; `None`: nothing can be said.
    pub(super) fn known(&self) -> impl Iterator<Item = (&AreaId, Option<UnixMillis>)> {
        let at = |state: &Option<AreaState>| state.as_ref().map(AreaState::at);
        self.folded
            .states
            .iter()
            .map(move |(area, state)| (area, at(state)))
    }

    /// Takes a message apart; it is folded once what it needs has been.
    pub(super) fn read(&self, record: Record) -> Next {
        let frame = match Subject::parse(&record.subject) {
            Subject::AreaEvents(area) => schemas::decode::<Frame>(&record.payload)
                .map(|frame| (area, Box::new(frame)))
                .map_err(|error| error.to_string()),
            _ => Err(format!("{} is not a subject of it", record.subject)),
        };
        let needs = match &frame {
            Ok((area, frame)) => needs(area, frame),
            Err(_) => Needs::default(),
        };
        Next {
            record,
            frame,
            needs,
        }
    }

    pub(super) async fn fold(&mut self, next: Next, books: &mut Books) -> Result<(), ReplayError> {
        let at = next.record.sequence;
        let (area, frame) = match next.frame {
            Ok(known) => known,
            Err(why) => {
                let subject = Some(next.record.subject.as_str());
                books.report.find("decode", AREA_EVENTS, at, subject, why);
                return Ok(());
            }
        };
        books.report.frames += 1;
        self.folded.last.insert(area.clone(), at);
        let known = self.folded.states.remove(&area);
        let fresh = || Some(AreaState::new(area.clone(), area.map()));
        let Some(before) = known.unwrap_or_else(fresh) else {
            self.folded.states.insert(area, None);
            return Ok(());
        };
        let mut faults = Faults::new();
        if next.record.payload.len() > MAX_FRAME_BYTES {
            let size = next.record.payload.len();
            faults.push((
                "size",
                format!("{size} bytes are more than {MAX_FRAME_BYTES}"),
            ));
        }
        let after = follow(&before, &frame, &next.record, &mut faults);
        let consumed = self
            .commands
            .take(&area, before.position(), frame.pos)
            .await?;
        books.report.frames_unmatched += u64::from(consumed.incomplete);
        if let (Some(again), Some(_)) = (&mut books.again, &after) {
            let recorded = Recorded {
                sequence: at,
                bytes: &next.record.payload,
                frame: &frame,
                commands: &consumed.commands,
                incomplete: consumed.incomplete,
            };
            let otherwise = again.frame(&before, &recorded);
            faults.extend(otherwise.map(|what| ("decide", what)));
        }
        if let Some(after) = &after {
            let matched = outcomes(&frame, consumed, &before, after, &mut faults);
            books.report.commands += matched;
            moves(&area, &frame, after, books, &mut faults);
        }
        for (check, message) in faults {
            let place = Some(area.as_str());
            books.report.find(check, AREA_EVENTS, at, place, message);
        }
        self.folded.states.insert(area, after);
        Ok(())
    }

    /// Compares who is in each area with the books, and counts what waits.
    pub(super) async fn close(&mut self, books: &mut Books) -> Result<(), ReplayError> {
        books.report.areas = self.folded.states.len() as u64;
        for (area, state) in &self.folded.states {
            let Some(state) = state else { continue };
            let here: BTreeSet<CharacterId> = state.bodies().map(|body| body.character).collect();
            let booked: BTreeSet<CharacterId> = books.places.in_area(area).collect();
            let at = self.folded.last.get(area).copied().unwrap_or_default();
            for character in here.symmetric_difference(&booked) {
                let there = books.places.of(*character);
                let there = there.map_or("nowhere".to_owned(), ToString::to_string);
                let message = if here.contains(character) {
                    format!("{character} stands here, but it is {there}")
                } else {
                    format!("{character} does not stand here, but it is {there}")
                };
                let place = Some(area.as_str());
                books.report.find("place", AREA_EVENTS, at, place, message);
            }
        }
        self.commands.read_rest().await?;
        for (area, waiting) in self.commands.waiting() {
            let consumed = self.folded.states.get(area).and_then(Option::as_ref);
            let position = consumed.map(AreaState::position).unwrap_or_default();
            let waiting = waiting.iter().filter(|next| next.position > position);
            books.report.commands_waiting += waiting.count() as u64;
        }
        Ok(())
    }
}
