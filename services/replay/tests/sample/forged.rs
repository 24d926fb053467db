//! Frames that no owner would write.

use schemas::frame::{Frame, StateHash};
use schemas::subjects::area_events;
use schemas::{Digest, Tick};
use world::{AreaState, FoldError};

use super::{Realm, area_id};

/// Where they are forged.
pub(crate) const HARBOR: &str = "harbor-1";

/// A frame that follows the area's last and tells nothing.
pub(crate) fn silent(state: &AreaState) -> Frame {
    Frame {
        version: 1,
        epoch: state.epoch(),
        claim: state.claim(),
        no: state.frame_no().next(),
        prev: state.last_digest(),
        tick: Tick(state.tick().0 + 1),
        at: state.at(),
        pos: state.position(),
        facts: Vec::new(),
        motion: schemas::motion::Motion::default(),
        outcomes: schemas::outcome::Outcomes::default(),
        effects: Vec::new(),
        hash: StateHash::default(),
    }
}

/// Appends a frame of a cunning owner: whatever it tells, its hashes are right.
pub(crate) async fn forge(realm: &Realm, change: impl FnOnce(&mut Frame)) -> u64 {
    let state = realm.state(HARBOR);
    let mut frame = silent(state);
    change(&mut frame);
    if let Err(FoldError::HashMismatch { found, .. }) =
        state.clone().fold(&frame, Digest::default())
    {
        frame.hash = found;
    }
    append(realm, &frame).await
}

/// Appends a frame as it is; where it stands.
pub(crate) async fn append(realm: &Realm, frame: &Frame) -> u64 {
    let subject = area_events(&area_id(HARBOR));
    realm.append(&subject, schemas::encode(frame)).await.0
}
