//! Who owns the area.

use std::sync::Arc;

use schemas::fact::Fact;

use crate::state::{AreaState, Owner};

/// A worker took the area.
pub(super) fn owned(state: &mut AreaState, fact: &Fact) {
    if let Fact::Owned {
        worker,
        build,
        rules,
        map,
        map_hash,
        seed,
        hash_version,
        ..
    } = fact
    {
        state.map = map.as_str().into();
        state.seed = *seed;
        state.owner = Some(Arc::new(Owner {
            worker: worker.clone(),
            build: build.clone(),
            rules: *rules,
            map_hash: *map_hash,
            hash_version: *hash_version,
            present: true,
            asleep: false,
        }));
    }
}

/// The area went to sleep.
pub(super) fn hibernated(state: &mut AreaState) {
    if let Some(owner) = state.owner.as_mut().map(Arc::make_mut) {
        owner.present = false;
        owner.asleep = true;
    }
}

/// The owner gave the area up.
pub(super) fn released(state: &mut AreaState) {
    if let Some(owner) = state.owner.as_mut().map(Arc::make_mut) {
        owner.present = false;
    }
}
