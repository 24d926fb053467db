//! A turn: how the screens must change so that they show the area as it is now.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use schemas::segment::Segment;
use schemas::{Handle, Step};

use super::cell::Cell;

/// Something that was said since the last turn.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Whose body said it.
    pub(crate) handle: Handle,
    /// What.
    pub(crate) text: Arc<str>,
}

/// A body that goes on in another segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mover {
    /// Which.
    pub(crate) handle: Handle,
    /// What the screens know of it.
    pub(crate) before: Segment,
    /// How it moves now.
    pub(crate) now: Segment,
}

/// Bodies that were kept in one cell and are kept in another now. `None` stands for "not in the
/// area", so arrivals and departures are transfers too.
#[derive(Debug, Default)]
pub(crate) struct Transfer {
    /// Who.
    pub(crate) handles: Vec<Handle>,
    /// Those of them whose segment changed as well.
    pub(crate) moved: Vec<Mover>,
}

/// From where to where.
pub(crate) type Route = (Option<Cell>, Option<Cell>);

/// All that changed since the last turn.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    /// First step of the newest frame's tick: base of packed motion.
    pub(crate) base: Step,
    /// Bodies that stayed in their cell and got a new segment.
    pub(crate) moved: HashMap<Cell, Vec<Mover>>,
    /// Bodies that changed cells.
    pub(crate) transfers: HashMap<Route, Transfer>,
    /// What was said, by the cell where it was heard.
    pub(crate) spoken: HashMap<Cell, Vec<(Handle, Arc<str>)>>,
    /// Who came into the cell where it is now.
    came: HashSet<Handle>,
}

impl Turn {
    /// Nothing has changed yet.
    pub(crate) fn new(base: Step) -> Self {
        Self {
            base,
            ..Self::default()
        }
    }

    /// Whether `handle` came in this turn into the cell where it is now.
    pub(crate) fn came(&self, handle: Handle) -> bool {
        self.came.contains(&handle)
    }

    pub(crate) fn transfer(&mut self, route: Route, handle: Handle, mover: Option<Mover>) {
        if route.1.is_some() {
            self.came.insert(handle);
        }
        let transfer = self.transfers.entry(route).or_default();
        transfer.handles.push(handle);
        transfer.moved.extend(mover);
    }
}
