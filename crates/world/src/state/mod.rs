//! The state of an area: all that its frames have left behind.
//!
//! A clone is cheap, because everything that is not touched is shared: bodies one by one, the
//! rarely changed tables as a whole. Nothing outside this crate writes to it except by folding
//! frames.

mod fold;
mod hash;
mod parts;
mod slots;
mod snapshot;
mod steering;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::effect::Effect;
use schemas::frame::StateHash;
use schemas::ids::CommandPosition;
use schemas::subjects::AggregateId;
use schemas::{AreaId, CharacterId, Claim, Digest, Epoch, FrameNo, Handle, Step, Tick, UnixMillis};
use serde::{Deserialize, Serialize};

pub use fold::FoldError;
pub(crate) use hash::{gone_hash, pending_hash, received_hash, sent_hash};
pub use parts::Owner;
pub(crate) use parts::{Gone, Mail, Received};
pub(crate) use slots::Slots;
pub(crate) use steering::Instances;
pub use steering::Steering;
pub(crate) use steering::capacity;

use crate::body::Body;

/// The state of one area after a frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "snapshot::Snapshot", into = "snapshot::Snapshot")]
pub struct AreaState {
    pub(crate) area: AreaId,
    pub(crate) map: Arc<str>,
    pub(crate) seed: u64,
    pub(crate) owner: Option<Arc<Owner>>,
    pub(crate) epoch: Epoch,
    pub(crate) claim: Claim,
    pub(crate) frame_no: FrameNo,
    pub(crate) last_digest: Digest,
    pub(crate) tick: Tick,
    pub(crate) at: UnixMillis,
    pub(crate) position: CommandPosition,
    pub(crate) slots: Slots,
    pub(crate) by_character: Arc<BTreeMap<CharacterId, Handle>>,
    pub(crate) gone: Arc<BTreeMap<CharacterId, Gone>>,
    pub(crate) mail: Mail,
    pub(crate) instances: Arc<Instances>,
    /// Sum of the hashes of `gone`, `mail` and `instances`, kept up to date entry by entry.
    pub(crate) tables: u64,
    pub(crate) hash: StateHash,
}

impl AreaState {
    /// An area before its first frame, standing on the map of that name.
    #[must_use]
    pub fn new(area: AreaId, map_name: &str) -> Self {
        let mut state = Self {
            area,
            map: map_name.into(),
            seed: 0,
            owner: None,
            epoch: Epoch(0),
            claim: Claim(0),
            frame_no: FrameNo(0),
            last_digest: Digest::default(),
            tick: Tick(0),
            at: UnixMillis(0),
            position: CommandPosition::default(),
            slots: Slots::default(),
            by_character: Arc::default(),
            gone: Arc::default(),
            mail: Mail::default(),
            instances: Arc::default(),
            tables: 0,
            hash: StateHash::default(),
        };
        state.settle();
        state
    }

    /// Which area.
    #[must_use]
    pub const fn area(&self) -> &AreaId {
        &self.area
    }

    /// Name of its map.
    #[must_use]
    pub fn map_name(&self) -> &str {
        &self.map
    }

    /// Seed of its random numbers.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The tick after which the area stands like this.
    #[must_use]
    pub const fn tick(&self) -> Tick {
        self.tick
    }

    /// The last step that has been executed.
    #[must_use]
    pub const fn step(&self) -> Step {
        self.tick.last_step()
    }

    /// When the last frame was decided, in the broker's time.
    #[must_use]
    pub const fn at(&self) -> UnixMillis {
        self.at
    }

    /// The bodies, by handle.
    pub fn bodies(&self) -> impl Iterator<Item = &Body> {
        self.slots.iter()
    }

    /// How many bodies there are.
    #[must_use]
    pub fn population(&self) -> usize {
        self.by_character.len()
    }

    /// The body with that handle.
    #[must_use]
    pub fn body(&self, handle: Handle) -> Option<&Body> {
        self.slots.get(handle)
    }

    /// The body of that character.
    #[must_use]
    pub fn by_character(&self, character: CharacterId) -> Option<&Body> {
        self.body(*self.by_character.get(&character)?)
    }

    /// Effects not yet confirmed; those to one target in the order of their numbers.
    pub fn pending_effects(&self) -> impl Iterator<Item = &Effect> {
        self.mail.pending.values()
    }

    /// The last effect of `source` that was applied here; 0 for none.
    #[must_use]
    pub fn received(&self, source: &AggregateId) -> u64 {
        self.mail.received.get(source).map_or(0, |r| r.last)
    }

    /// The last number given to an effect for `target`; 0 for none.
    #[must_use]
    pub fn sent(&self, target: &AggregateId) -> u64 {
        self.mail.sent.get(target).copied().unwrap_or(0)
    }

    /// How far the area has consumed its commands.
    #[must_use]
    pub const fn position(&self) -> CommandPosition {
        self.position
    }

    /// The last owner's fencing token; 0 before the first.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The last owner's claim.
    #[must_use]
    pub const fn claim(&self) -> Claim {
        self.claim
    }

    /// The last frame's place in the chain; 0 before the first.
    #[must_use]
    pub const fn frame_no(&self) -> FrameNo {
        self.frame_no
    }

    /// Digest of the last frame's bytes; zeros before the first.
    #[must_use]
    pub const fn last_digest(&self) -> Digest {
        self.last_digest
    }

    /// The hashes of this state.
    #[must_use]
    pub const fn hash(&self) -> StateHash {
        self.hash
    }

    /// What the last ownership frame said.
    #[must_use]
    pub fn owner(&self) -> Option<&Owner> {
        self.owner.as_deref()
    }

    /// Whether the last frame put the area to sleep.
    #[must_use]
    pub fn is_asleep(&self) -> bool {
        self.owner().is_some_and(|owner| owner.asleep)
    }

    /// Whether nothing would be missed if the area slept: no bodies and no pending effects.
    #[must_use]
    pub fn may_sleep(&self) -> bool {
        self.by_character.is_empty() && self.mail.pending.is_empty()
    }

    /// Where a character went through a door, while that is remembered.
    #[must_use]
    pub fn gone_to(&self, character: CharacterId, now: Tick) -> Option<&AreaId> {
        let gone = self.gone.get(&character)?;
        (now.0 <= gone.at.0 + crate::rules::FORWARD_TICKS).then_some(&gone.to)
    }
}
