//! Where each projection stands, for whoever looks on: the lag's watch, a rebuild's progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use schemas::Sequence;

use crate::name::Name;

#[derive(Debug, Default)]
struct Line {
    folded: AtomicU64,
    head: AtomicU64,
}

/// Written by the projections of a run; clones are the same board.
#[derive(Debug, Clone, Default)]
pub(crate) struct Board(Arc<[Line; Name::ALL.len()]>);

impl Board {
    fn line(&self, of: Name) -> &Line {
        &self.0[of.index()]
    }

    pub(crate) fn set_folded(&self, of: Name, up_to: Sequence) {
        self.line(of).folded.store(up_to.0, Ordering::Relaxed);
    }

    pub(crate) fn folded(&self, of: Name) -> Sequence {
        Sequence(self.line(of).folded.load(Ordering::Relaxed))
    }

    /// The head of its stream, as last seen.
    pub(crate) fn set_head(&self, of: Name, at: Sequence) {
        self.line(of).head.store(at.0, Ordering::Relaxed);
    }

    pub(crate) fn head(&self, of: Name) -> Sequence {
        Sequence(self.line(of).head.load(Ordering::Relaxed))
    }
}
