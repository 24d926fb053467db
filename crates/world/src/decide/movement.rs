//! Movement in a tick: keys are collected while commands are decided, then every body that has
//! some, or whose segment ends, is carried through the tick's steps. Nobody else costs anything.

use std::collections::BTreeSet;

use schemas::motion::Motion;
use schemas::segment::{InputBits, Moved};
use schemas::{Handle, Step};

use super::deciding::Deciding;
use crate::evolve;
use crate::physics::{Driven, Keys, Kinetic, Presses, drive, plan};

/// What one body's keys do in this tick.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pressing {
    presses: Presses,
    held: InputBits,
}

impl Pressing {
    /// Lets go of all keys at the tick's first step.
    pub(super) fn release() -> Self {
        Self {
            presses: [Some(Keys::default()), None],
            held: InputBits::default(),
        }
    }

    /// What is held after all of it.
    pub(super) const fn held(&self) -> InputBits {
        self.held
    }
}

/// The player holds `bits` from `client_step` on: in that step if it lies in this tick, late
/// ones in the first step, early ones in the last. Never before what came earlier. Within a step
/// the last one counts, but a key that was pressed in between has been pressed.
pub(super) fn press(area: &mut Deciding<'_>, handle: Handle, bits: InputBits, client_step: u64) {
    let before = area.held(handle);
    let early = client_step > area.tick.first_step().0;
    let pressing = area.pressing.entry(handle).or_insert(Pressing {
        presses: [None, None],
        held: before,
    });
    let slot = usize::from(early || pressing.presses[1].is_some());
    let pressed = InputBits(bits.0 & !before.0);
    let keys = pressing.presses[slot].get_or_insert_default();
    keys.held = bits;
    keys.pressed = InputBits(keys.pressed.0 | pressed.0);
    pressing.held = bits;
}

/// Carries everybody who is due through the tick and packs what changed.
pub(super) fn movement(area: &mut Deciding<'_>) -> Motion {
    let base = area.tick.first_step();
    let mut bodies: BTreeSet<Handle> = if area.remapped {
        area.next.bodies().map(|body| body.handle).collect()
    } else {
        area.next.slots.due(area.rules, area.tick).collect()
    };
    bodies.extend(area.pressing.keys());
    let mut motion = Motion::default();
    for handle in bodies {
        let Some(body) = area.next.body(handle) else {
            continue;
        };
        let start: Driven = (body.segment, body.controller);
        let mut told = start;
        for (segment, controller) in carry(area, handle, start) {
            let moved = Moved {
                handle,
                segment,
                controller,
            };
            motion.push(base, Some((&told.0, &told.1)), &moved);
            evolve::moved(&mut area.next, &moved);
            told = (segment, controller);
        }
    }
    motion
}

fn carry(area: &Deciding<'_>, handle: Handle, start: Driven) -> Vec<Driven> {
    let base = area.tick.first_step();
    let first = if area.arrived.contains(&handle) {
        base
    } else {
        area.before.step().next()
    };
    if area.remapped && !area.arrived.contains(&handle) {
        return vec![replaced(area, start)];
    }
    let presses = area
        .pressing
        .get(&handle)
        .map_or([None, None], |pressing| pressing.presses);
    drive(area.rules, area.map, start, first, base, &presses)
}

/// Puts a body on a map that was not there when it last moved: out of walls, at rest.
fn replaced(area: &Deciding<'_>, start: Driven) -> Driven {
    let (segment, mut controller) = start;
    let now = segment.from.max(area.standing()).max(area.before.step());
    let (x, y) = segment.position(now);
    let (x, y) = area.map.nearest_free(x, y);
    let body = Kinetic::placed(area.map, x, y);
    controller.mode = body.mode;
    let from = Step(now.0);
    (
        plan(area.rules, area.map, &body, &controller, from),
        controller,
    )
}
