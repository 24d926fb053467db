//! The stage: every body as the screens show it, and in which cell it is kept.
//!
//! Each turn compares the folded area with the stage and moves the stage on. It does not matter
//! how many frames lie between two turns, nor whether a body crossed a border because of an
//! event or only because time passed: what counts is the difference.

use std::collections::HashMap;
use std::sync::Arc;

use schemas::segment::Segment;
use schemas::{CharacterId, Handle, Step};

use super::cell::Cell;
use super::turn::{Line, Mover, Turn};

/// A body as the folded area has it now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyNow {
    /// Its number in the area.
    pub(crate) handle: Handle,
    /// Who it is.
    pub(crate) character: CharacterId,
    /// How it moves.
    pub(crate) segment: Segment,
}

/// A body as the screens show it.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    /// Who it is.
    pub(crate) character: CharacterId,
    /// Its name, for people.
    pub(crate) name: Arc<str>,
    /// How it moves.
    pub(crate) segment: Segment,
    /// Where it is kept.
    pub(crate) cell: Cell,
    /// The turn in which it was last met.
    met: u64,
}

/// All bodies of one area as the screens show them.
#[derive(Debug, Default)]
pub(crate) struct Stage {
    bodies: Vec<Option<Shown>>,
    cells: HashMap<Cell, Vec<Handle>>,
    turns: u64,
}

impl Stage {
    /// The body `handle`, if it is on stage.
    pub(crate) fn body(&self, handle: Handle) -> Option<&Shown> {
        self.bodies.get(usize::from(handle))?.as_ref()
    }

    /// All bodies on stage, by handle.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = (Handle, &Shown)> {
        (0..=Handle::MAX)
            .zip(&self.bodies)
            .filter_map(|(handle, shown)| Some((handle, shown.as_ref()?)))
    }

    /// Who is kept in `cell`.
    pub(crate) fn in_cell(&self, cell: Cell) -> &[Handle] {
        self.cells.get(&cell).map_or(&[], Vec::as_slice)
    }

    /// Brings the stage to how the area is at the end of `step`, and tells the difference.
    /// `name` is asked once for each body that comes.
    pub(crate) fn advance(
        &mut self,
        (base, step): (Step, Step),
        area: impl Iterator<Item = BodyNow>,
        lines: impl IntoIterator<Item = Line>,
        mut name: impl FnMut(Handle) -> Arc<str>,
    ) -> Turn {
        self.turns += 1;
        let mut turn = Turn::new(base);
        // Where those stood who left; their last words are heard there.
        let mut left: HashMap<Handle, Cell> = HashMap::new();
        for now in area {
            let place = now.segment.position(step);
            match self.shown_mut(now.handle) {
                Some(shown) if shown.character == now.character => {
                    self.go_on(&mut turn, &now, place);
                }
                other => {
                    if let Some(cell) = other.map(|shown| shown.cell) {
                        left.insert(now.handle, cell);
                        self.leave(&mut turn, now.handle);
                    }
                    self.enter(&mut turn, &now, place, name(now.handle));
                }
            }
        }
        for handle in self.unmet() {
            if let Some(shown) = self.body(handle) {
                left.insert(handle, shown.cell);
            }
            self.leave(&mut turn, handle);
        }
        for Line { handle, text } in lines {
            let here = self.body(handle).map(|shown| shown.cell);
            if let Some(cell) = here.or_else(|| left.get(&handle).copied()) {
                turn.spoken.entry(cell).or_default().push((handle, text));
            }
        }
        turn
    }

    fn shown_mut(&mut self, handle: Handle) -> Option<&mut Shown> {
        self.bodies.get_mut(usize::from(handle))?.as_mut()
    }

    fn go_on(&mut self, turn: &mut Turn, now: &BodyNow, place: (i32, i32)) {
        let turns = self.turns;
        let Some(shown) = self.shown_mut(now.handle) else {
            return;
        };
        shown.met = turns;
        let (from, to) = (shown.cell, shown.cell.keep(place));
        shown.cell = to;
        let mover = (shown.segment != now.segment).then(|| Mover {
            handle: now.handle,
            before: std::mem::replace(&mut shown.segment, now.segment),
            now: now.segment,
        });
        if from != to {
            self.forget(from, now.handle);
            self.cells.entry(to).or_default().push(now.handle);
            turn.transfer((Some(from), Some(to)), now.handle, mover);
        } else if let Some(mover) = mover {
            turn.moved.entry(from).or_default().push(mover);
        }
    }

    fn enter(&mut self, turn: &mut Turn, now: &BodyNow, place: (i32, i32), name: Arc<str>) {
        let cell = Cell::at(place);
        let at = usize::from(now.handle);
        if self.bodies.len() <= at {
            self.bodies.resize(at + 1, None);
        }
        self.bodies[at] = Some(Shown {
            character: now.character,
            name,
            segment: now.segment,
            cell,
            met: self.turns,
        });
        self.cells.entry(cell).or_default().push(now.handle);
        turn.transfer((None, Some(cell)), now.handle, None);
    }

    fn leave(&mut self, turn: &mut Turn, handle: Handle) {
        let slot = self.bodies.get_mut(usize::from(handle));
        if let Some(shown) = slot.and_then(Option::take) {
            self.forget(shown.cell, handle);
            turn.transfer((Some(shown.cell), None), handle, None);
        }
    }

    fn forget(&mut self, cell: Cell, handle: Handle) {
        if let Some(members) = self.cells.get_mut(&cell) {
            members.retain(|member| *member != handle);
            if members.is_empty() {
                self.cells.remove(&cell);
            }
        }
    }

    fn unmet(&self) -> Vec<Handle> {
        self.bodies()
            .filter_map(|(handle, shown)| (shown.met != self.turns).then_some(handle))
            .collect()
    }
}
