//! Chunks: the parts of a turn, each encoded once for all who see it.
//!
//! For a viewer that saw the cells `before` and sees the cells `after`, a body was on the screen
//! if its old cell was in `before`, and is now if its new cell is in `after`. From these two
//! facts follows what it is sent: *moved* if both, *entered* if only now, *left* if only before.
//! Bodies that share old cell and new cell share the answer, so they share a chunk.

use std::collections::HashMap;

use schemas::motion::Motion;
use schemas::segment::{Controller, Moved};
use schemas::wire::{Body, Chunk, Encoding};
use schemas::{Handle, Step};

use super::cell::{Cell, CellRect};
use super::stage::Stage;
use super::turn::{Mover, Route, Turn};

/// Encoded chunks, one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Part {
    /// How many.
    pub(crate) chunks: usize,
    /// Their bytes; with commas between them in JSON.
    pub(crate) bytes: Vec<u8>,
}

impl Part {
    pub(crate) fn push(&mut self, encoding: Encoding, chunk: &[u8]) {
        if encoding == Encoding::Json && self.chunks > 0 {
            self.bytes.push(b',');
        }
        self.chunks += 1;
        self.bytes.extend(chunk);
    }
}

/// What a chunk tells, and of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// Those who stay in a cell and move differently.
    Moved(Cell),
    /// Those who stay in a cell, for one who sees it for the first time.
    Seen(Cell),
    /// Those who stay in a cell, for one who sees it no longer.
    Unseen(Cell),
    /// What was said in a cell.
    Spoken(Cell),
    /// Those on a route, for one who sees both ends.
    Crossed(Route),
    /// Those on a route, for one who sees its end.
    Came(Route),
    /// Those on a route, for one who saw its beginning.
    Went(Route),
}

/// One turn's chunks in one encoding, encoded when first asked for.
pub(crate) struct Chunks<'a> {
    encoding: Encoding,
    stage: &'a Stage,
    turn: &'a Turn,
    /// `None`: nothing to tell.
    encoded: HashMap<Key, Option<Vec<u8>>>,
    /// Many viewers look at the same cells.
    views: HashMap<(CellRect, CellRect), Part>,
}

impl<'a> Chunks<'a> {
    /// Of `turn`, after which the stage stands as `stage`.
    pub(crate) fn new(encoding: Encoding, stage: &'a Stage, turn: &'a Turn) -> Self {
        Self {
            encoding,
            stage,
            turn,
            encoded: HashMap::new(),
            views: HashMap::new(),
        }
    }

    /// What a viewer is sent that saw the cells `before` and sees the cells `after`.
    pub(crate) fn view(&mut self, before: CellRect, after: CellRect) -> &Part {
        if !self.views.contains_key(&(before, after)) {
            let part = self.assemble(before, after);
            self.views.insert((before, after), part);
        }
        &self.views[&(before, after)]
    }

    /// What was said within `view`, for one who is given a whole new picture instead of the turn.
    pub(crate) fn spoken(&mut self, view: CellRect) -> Part {
        let mut part = Part::default();
        for cell in self
            .turn
            .spoken
            .keys()
            .copied()
            .filter(|c| view.contains(*c))
        {
            self.append(&mut part, Key::Spoken(cell));
        }
        part
    }

    /// Departures first: a handle may have been given to somebody else since.
    fn assemble(&mut self, before: CellRect, after: CellRect) -> Part {
        let mut part = Part::default();
        let turn = self.turn;
        let mut routes: Vec<(Key, bool)> = Vec::new();
        for route in turn.transfers.keys().copied() {
            let was = route.0.is_some_and(|cell| before.contains(cell));
            let is = route.1.is_some_and(|cell| after.contains(cell));
            match (was, is) {
                (true, true) => routes.push((Key::Crossed(route), false)),
                (false, true) => routes.push((Key::Came(route), false)),
                (true, false) => routes.push((Key::Went(route), true)),
                (false, false) => {}
            }
        }
        for (key, _) in routes.iter().filter(|(_, leaving)| *leaving) {
            self.append(&mut part, *key);
        }
        if before != after {
            for cell in before.cells().filter(|cell| !after.contains(*cell)) {
                self.append(&mut part, Key::Unseen(cell));
            }
            for cell in after.cells().filter(|cell| !before.contains(*cell)) {
                self.append(&mut part, Key::Seen(cell));
            }
        }
        for (key, _) in routes.iter().filter(|(_, leaving)| !*leaving) {
            self.append(&mut part, *key);
        }
        let stayed = |cell: &&Cell| before.contains(**cell) && after.contains(**cell);
        for cell in turn.moved.keys().filter(stayed) {
            self.append(&mut part, Key::Moved(*cell));
        }
        for cell in turn.spoken.keys().filter(|cell| after.contains(**cell)) {
            self.append(&mut part, Key::Spoken(*cell));
        }
        part
    }

    fn append(&mut self, part: &mut Part, key: Key) {
        if !self.encoded.contains_key(&key) {
            let bytes = self.chunk(key).map(|chunk| self.encoding.encode(&chunk));
            self.encoded.insert(key, bytes);
        }
        if let Some(Some(bytes)) = self.encoded.get(&key) {
            part.push(self.encoding, bytes);
        }
    }

    fn chunk(&self, key: Key) -> Option<Chunk> {
        let turn = self.turn;
        let base = turn.base;
        match key {
            Key::Moved(cell) => moved(base, turn.moved.get(&cell)?),
            Key::Crossed(route) => moved(base, &turn.transfers.get(&route)?.moved),
            Key::Came(route) => entered(self.stage, base, &turn.transfers.get(&route)?.handles),
            Key::Went(route) => left(turn.transfers.get(&route)?.handles.clone()),
            Key::Seen(cell) => entered(self.stage, base, &self.stayers(cell)),
            Key::Unseen(cell) => left(self.stayers(cell)),
            Key::Spoken(cell) => {
                let said = turn.spoken.get(&cell)?.iter();
                Some(Chunk::Spoken {
                    lines: said
                        .map(|(handle, text)| (*handle, text.to_string()))
                        .collect(),
                })
            }
        }
    }

    /// Who is kept in `cell` and was before the turn.
    fn stayers(&self, cell: Cell) -> Vec<Handle> {
        let members = self.stage.in_cell(cell).iter().copied();
        members.filter(|handle| !self.turn.came(*handle)).collect()
    }
}

fn moved(base: Step, movers: &[Mover]) -> Option<Chunk> {
    // Clients know segments only; equal controllers are left out of packed motion.
    let nothing = Controller::default();
    let mut motion = Motion::default();
    for mover in movers {
        let now = Moved {
            handle: mover.handle,
            segment: mover.now,
            controller: nothing,
        };
        motion.push(base, Some((&mover.before, &nothing)), &now);
    }
    (!motion.0.is_empty()).then_some(Chunk::Moved { motion: motion.0 })
}

fn left(handles: Vec<Handle>) -> Option<Chunk> {
    (!handles.is_empty()).then_some(Chunk::Left { handles })
}

fn entered(stage: &Stage, base: Step, handles: &[Handle]) -> Option<Chunk> {
    let bodies: Vec<_> = handles
        .iter()
        .filter_map(|h| body(stage, base, *h))
        .collect();
    (!bodies.is_empty()).then_some(Chunk::Entered { bodies })
}

/// A body in full, as it stands on `stage`.
pub(crate) fn body(stage: &Stage, base: Step, handle: Handle) -> Option<Body> {
    let shown = stage.body(handle)?;
    let mut motion = Motion::default();
    motion.push_full(base, handle, &shown.segment);
    Some(Body {
        handle,
        character: shown.character.to_string(),
        name: shown.name.to_string(),
        motion: motion.0,
    })
}
