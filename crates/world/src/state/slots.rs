//! The bodies of an area by handle: a dense vector that a tick scans for those that are due.

use std::sync::Arc;

use schemas::frame::StateHash;
use schemas::{Handle, Step, Tick};

use super::hash::body_hash;
use crate::body::{Body, Silence};
use crate::rules::Rules;

/// A body, and what is known of it without looking at it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Slot {
    body: Arc<Body>,
    hash: StateHash,
    /// The first step that its segment does not tell.
    motion_due: Step,
    silence: Silence,
}

/// Bodies by handle.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Slots {
    slots: Vec<Option<Slot>>,
    /// Sum of the hashes of all settled bodies.
    sum: StateHash,
    /// Handles whose hash and due times are not up to date.
    dirty: Vec<Handle>,
}

impl Slots {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Body> {
        self.slots.iter().flatten().map(|slot| &*slot.body)
    }

    pub(crate) fn get(&self, handle: Handle) -> Option<&Body> {
        let slot = self.slots.get(usize::from(handle))?.as_ref()?;
        Some(&slot.body)
    }

    /// The body, to be changed; its hash is taken anew by [`Slots::settle`].
    pub(crate) fn get_mut(&mut self, handle: Handle) -> Option<&mut Body> {
        let slot = self.slots.get_mut(usize::from(handle))?.as_mut()?;
        self.dirty.push(handle);
        Some(Arc::make_mut(&mut slot.body))
    }

    /// Puts `body` in its place; a body that stood there is gone.
    pub(crate) fn insert(&mut self, body: Body) {
        let handle = body.handle;
        self.remove(handle);
        let place = usize::from(handle);
        if self.slots.len() <= place {
            self.slots.resize(place + 1, None);
        }
        self.slots[place] = Some(Slot {
            body: Arc::new(body),
            hash: StateHash::default(),
            motion_due: Step(0),
            silence: Silence::default(),
        });
        self.dirty.push(handle);
    }

    pub(crate) fn remove(&mut self, handle: Handle) -> Option<Arc<Body>> {
        let slot = self.slots.get_mut(usize::from(handle))?.take()?;
        self.sum.public = self.sum.public.wrapping_sub(slot.hash.public);
        self.sum.full = self.sum.full.wrapping_sub(slot.hash.full);
        while self.slots.last().is_some_and(Option::is_none) {
            self.slots.pop();
        }
        Some(slot.body)
    }

    /// The bodies to which something happens by itself up to the end of `tick`.
    pub(crate) fn due(&self, rules: &Rules, tick: Tick) -> impl Iterator<Item = Handle> {
        let step = tick.last_step();
        (0..).zip(&self.slots).filter_map(move |(handle, slot)| {
            slot.as_ref()
                .is_some_and(|slot| slot.motion_due <= step || slot.silence.deadline(rules) <= tick)
                .then_some(handle)
        })
    }

    /// The handles that no body has, from the lowest.
    pub(crate) fn free(&self) -> impl Iterator<Item = Handle> {
        (0..=Handle::MAX).filter(|&handle| self.get(handle).is_none())
    }

    /// Brings hashes and due times up to date; returns the sum of the hashes.
    pub(crate) fn settle(&mut self) -> StateHash {
        let mut dirty = std::mem::take(&mut self.dirty);
        dirty.sort_unstable();
        dirty.dedup();
        for handle in dirty.drain(..) {
            let Some(slot) = self
                .slots
                .get_mut(usize::from(handle))
                .and_then(Option::as_mut)
            else {
                continue;
            };
            let hash = body_hash(&slot.body);
            self.sum.public = self
                .sum
                .public
                .wrapping_sub(slot.hash.public)
                .wrapping_add(hash.public);
            self.sum.full = self
                .sum
                .full
                .wrapping_sub(slot.hash.full)
                .wrapping_add(hash.full);
            slot.hash = hash;
            slot.motion_due = slot.body.motion_due();
            slot.silence = slot.body.silence();
        }
        self.dirty = dirty;
        self.sum
    }
}
