//! An area's state as it is stored: what frames have left behind, without what follows from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::effect::Effect;
use schemas::frame::StateHash;
use schemas::ids::CommandPosition;
use schemas::subjects::AggregateId;
use schemas::{AreaId, CharacterId, Claim, Digest, Epoch, FrameNo, Tick, UnixMillis};
use serde::{Deserialize, Serialize};

use super::{AreaState, Gone, Instances, Mail, Owner, Received, Slots};
use crate::HASH_VERSION;
use crate::body::Body;

/// What a snapshot holds. Read back it must give the hash it was written with, unless another
/// hash version wrote it.
#[derive(Serialize, Deserialize)]
pub(super) struct Snapshot {
    hash_version: u32,
    area: AreaId,
    map: String,
    seed: u64,
    owner: Option<Arc<Owner>>,
    epoch: Epoch,
    claim: Claim,
    frame_no: FrameNo,
    last_digest: Digest,
    tick: Tick,
    at: UnixMillis,
    position: CommandPosition,
    bodies: Vec<Body>,
    gone: BTreeMap<CharacterId, Gone>,
    sent: BTreeMap<AggregateId, u64>,
    received: BTreeMap<AggregateId, Received>,
    forgot: bool,
    pending: Vec<Effect>,
    #[serde(default, skip_serializing_if = "Instances::is_default")]
    instances: Arc<Instances>,
    hash: StateHash,
}

/// Why a snapshot cannot be used; an older one or the whole log can.
#[derive(Debug, thiserror::Error)]
#[error(
    "the snapshot of {area} after frame {frame_no} does not have the hash it was written with: it is damaged, fall back to an older one"
)]
pub(super) struct Damaged {
    area: AreaId,
    frame_no: FrameNo,
}

impl From<AreaState> for Snapshot {
    fn from(state: AreaState) -> Self {
        Self {
            hash_version: HASH_VERSION,
            bodies: state.bodies().cloned().collect(),
            map: state.map.to_string(),
            area: state.area,
            seed: state.seed,
            owner: state.owner,
            epoch: state.epoch,
            claim: state.claim,
            frame_no: state.frame_no,
            last_digest: state.last_digest,
            tick: state.tick,
            at: state.at,
            position: state.position,
            gone: Arc::unwrap_or_clone(state.gone),
            sent: state.mail.sent.to_map(),
            received: state.mail.received.to_map(),
            forgot: state.mail.forgot,
            pending: state.mail.pending.values().cloned().collect(),
            instances: state.instances,
            hash: state.hash,
        }
    }
}

impl TryFrom<Snapshot> for AreaState {
    type Error = Damaged;

    fn try_from(stored: Snapshot) -> Result<Self, Damaged> {
        let mut slots = Slots::default();
        let mut by_character = BTreeMap::new();
        for body in stored.bodies {
            by_character.insert(body.character, body.handle);
            slots.insert(body);
        }
        let pending = stored
            .pending
            .into_iter()
            .map(|effect| ((effect.target.clone(), effect.number), effect));
        let mut state = Self {
            area: stored.area,
            map: stored.map.into(),
            seed: stored.seed,
            owner: stored.owner,
            epoch: stored.epoch,
            claim: stored.claim,
            frame_no: stored.frame_no,
            last_digest: stored.last_digest,
            tick: stored.tick,
            at: stored.at,
            position: stored.position,
            slots,
            by_character: Arc::new(by_character),
            gone: Arc::new(stored.gone),
            mail: Mail {
                sent: stored.sent.into_iter().collect(),
                received: stored.received.into_iter().collect(),
                forgot: stored.forgot,
                pending: Arc::new(pending.collect()),
            },
            instances: stored.instances,
            tables: 0,
            hash: stored.hash,
        };
        state.tables = state.tables_from_scratch();
        state.settle();
        if stored.hash_version == HASH_VERSION && state.hash != stored.hash {
            return Err(Damaged {
                area: state.area,
                frame_no: state.frame_no,
            });
        }
        Ok(state)
    }
}
