//! Who is in an area and how they move, followed by frames alone: the same for what was recorded and for what an
//! alternative answers, whose state is not here.

use std::collections::BTreeMap;

use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::motion::MotionError;
use schemas::segment::{Controller, Segment};
use schemas::{CharacterId, Handle, Step};
use world::AreaState;

use super::happening::{Happening, What};

/// A body.
#[derive(Debug, Clone, Copy)]
struct Known {
    character: CharacterId,
    segment: Segment,
    controller: Controller,
}

/// The bodies of an area, by handle.
#[derive(Debug, Clone, Default)]
pub(super) struct Bodies(BTreeMap<Handle, Known>);

impl Bodies {
    pub(super) fn of(state: &AreaState) -> Self {
        let known = |body: &world::Body| Known {
            character: body.character,
            segment: body.segment,
            controller: body.controller,
        };
        Self(
            state
                .bodies()
                .map(|body| (body.handle, known(body)))
                .collect(),
        )
    }

    /// Whose body it is.
    pub(super) fn character(&self, handle: Handle) -> Option<CharacterId> {
        self.0.get(&handle).map(|known| known.character)
    }

    /// Whether that character has a body here.
    pub(super) fn has(&self, character: CharacterId) -> bool {
        self.0.values().any(|known| known.character == character)
    }

    /// Where everybody stands at the end of `step`; the left upper corner, 1/256 px.
    pub(super) fn stand(&self, step: Step) -> impl Iterator<Item = (CharacterId, (i32, i32))> {
        self.0
            .values()
            .map(move |known| (known.character, known.segment.position(step)))
    }

    /// Follows a frame; what happened in it, one by one.
    pub(super) fn follow(&mut self, frame: &Frame) -> Result<Vec<Happening>, MotionError> {
        let mut happened = Vec::new();
        for fact in &frame.facts {
            self.fact(fact);
            happened.extend(Happening::of_fact(fact));
        }
        let moved = frame.motion.unpack(frame.tick.first_step(), |handle| {
            let known = self.0.get(&handle)?;
            Some((&known.segment, &known.controller))
        })?;
        for moved in moved {
            if let Some(known) = self.0.get_mut(&moved.handle) {
                known.segment = moved.segment;
                known.controller = moved.controller;
                happened.push(Happening {
                    player: Some(known.character),
                    what: What::Moved(moved.segment),
                });
            }
        }
        for (handle, up_to) in frame.outcomes.accepted() {
            // Of a body that left in the same tick nothing is known any more; its outcomes are in the effect.
            if let Some(player) = self.character(handle) {
                happened.push(Happening {
                    player: Some(player),
                    what: What::Accepted { up_to },
                });
            }
        }
        happened.extend(frame.outcomes.rejected.iter().map(Happening::of_rejection));
        happened.extend(frame.outcomes.effects.iter().map(Happening::of_verdict));
        happened.extend(frame.effects.iter().map(Happening::of_effect));
        Ok(happened)
    }

    fn fact(&mut self, fact: &Fact) {
        match fact {
            Fact::Arrived {
                handle,
                traveller,
                segment,
                controller,
                ..
            } => {
                let known = Known {
                    character: traveller.character,
                    segment: *segment,
                    controller: *controller,
                };
                self.0.insert(*handle, known);
            }
            Fact::Departed { handle, .. } => drop(self.0.remove(handle)),
            _ => {}
        }
    }
}
