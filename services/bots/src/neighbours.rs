//! Whom a bot has in view, by handle.

use schemas::Handle;

/// A small sorted set: some twenty handles, searched far more often than changed.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    handles: Vec<Handle>,
    own: Option<Handle>,
}

impl Neighbours {
    /// A new picture: forget everybody.
    pub(crate) fn start_over(&mut self, own: Handle) {
        self.handles.clear();
        self.own = Some(own);
    }

    pub(crate) fn entered(&mut self, handle: Handle) {
        if Some(handle) == self.own {
            return;
        }
        if let Err(place) = self.handles.binary_search(&handle) {
            self.handles.insert(place, handle);
        }
    }

    pub(crate) fn left(&mut self, handle: Handle) {
        if let Ok(place) = self.handles.binary_search(&handle) {
            self.handles.remove(place);
        }
    }

    /// How many, without the bot itself.
    pub(crate) fn count(&self) -> usize {
        self.handles.len()
    }
}
