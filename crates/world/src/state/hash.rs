//! The state hashes: sums of one hash per entity, so that a change costs what it touches.
//!
//! Each entity is written in a canonical encoding, little-endian and length-prefixed, opened by
//! a byte that tells its kind; its meaning is fixed by `HASH_VERSION`. The public hash is over
//! what every client may see of the bodies; the full hash is over everything that `evolve`
//! keeps, except the chain itself (epoch, claim, frame number, digest), which frames prove
//! otherwise.

use schemas::effect::Effect;
use schemas::frame::StateHash;
use schemas::sealed::Sealed;
use schemas::segment::{Controller, Segment};
use schemas::subjects::AggregateId;
use schemas::{CharacterId, Step, Tick};
use xxhash_rust::xxh3::xxh3_64;

use super::steering::{PartyAway, Steering};
use super::{AreaState, Gone, Received};
use crate::body::Body;

/// Bytes in a canonical order.
struct Canon(Vec<u8>);

impl Canon {
    fn new(kind: u8) -> Self {
        let mut bytes = Vec::with_capacity(256);
        bytes.push(kind);
        Self(bytes)
    }

    fn byte(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    fn int(&mut self, value: i32) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn long(&mut self, value: u64) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.long(bytes.len() as u64).0.extend_from_slice(bytes);
        self
    }

    fn sealed(&mut self, sealed: &Sealed) -> &mut Self {
        self.bytes(sealed.key.as_bytes())
            .bytes(&sealed.nonce)
            .bytes(&sealed.bytes)
    }

    fn segment(&mut self, segment: &Segment) -> &mut Self {
        self.long(segment.from.0)
            .int(segment.x)
            .int(segment.y)
            .int(segment.vx)
            .int(segment.vy)
            .int(segment.ax)
            .int(segment.ay)
            .byte(segment.mode as u8)
            .long(segment.until.0)
    }

    fn controller(&mut self, controller: &Controller) -> &mut Self {
        self.byte(controller.mode as u8)
            .byte(controller.input.0)
            .long(controller.since.0)
            .long(controller.coyote_until.0)
            .long(controller.jump_buffered_until.0)
            .long(controller.drop_through_until.0)
            .long(controller.stunned_until.0)
            .long(u64::from(controller.last_seq))
    }

    fn step(&mut self, step: Option<Step>) -> &mut Self {
        match step {
            None => self.byte(0),
            Some(step) => self.byte(1).long(step.0),
        }
    }

    fn hash(&self) -> u64 {
        xxh3_64(&self.0)
    }
}

/// The hashes of one body.
pub(super) fn body_hash(body: &Body) -> StateHash {
    let mut canon = Canon::new(b'b');
    canon
        .long(u64::from(body.handle))
        .long(body.character.0)
        .sealed(&body.name)
        .segment(&body.segment);
    let public = canon.hash();
    canon
        .long(body.account.0)
        .long(body.session.0)
        .long(body.edge.0)
        .controller(&body.controller)
        .long(body.heard.0)
        .step(body.link_lost.map(|tick: Tick| Step(tick.0)))
        .long(body.history.len() as u64);
    for segment in &body.history {
        canon.segment(segment);
    }
    canon.long(body.rejections.len() as u64);
    for (seq, reason) in &body.rejections {
        canon.long(u64::from(*seq)).byte(reason.number());
    }
    // Who travels alone hashes as before there were parties.
    if body.party.0 != 0 {
        canon.byte(b'P').long(body.party.0);
    }
    StateHash {
        public,
        full: canon.hash(),
    }
}

/// The hash of one entry of the table of characters that went through a door.
pub(crate) fn gone_hash(character: CharacterId, gone: &Gone) -> u64 {
    Canon::new(b'g')
        .long(character.0)
        .bytes(gone.to.as_str().as_bytes())
        .long(gone.at.0)
        .hash()
}

/// The hash of how the area treats those who come; nothing while it was never told.
pub(super) fn steering_hash(steering: &Steering) -> u64 {
    if *steering == Steering::default() {
        return 0;
    }
    Canon::new(b'i')
        .byte(u8::from(steering.closed))
        .bytes(
            steering
                .overflow
                .as_ref()
                .map_or(b"", |to| to.as_str().as_bytes()),
        )
        .long(u64::from(steering.soft))
        .hash()
}

/// The hash of where one party was sent on to.
pub(super) fn party_hash(party: CharacterId, away: &PartyAway) -> u64 {
    Canon::new(b'y')
        .long(party.0)
        .bytes(away.to.as_str().as_bytes())
        .long(away.at.0)
        .hash()
}

/// The hash of the counter of effects sent to one target.
pub(crate) fn sent_hash(target: &AggregateId, last: u64) -> u64 {
    Canon::new(b's')
        .bytes(target.to_string().as_bytes())
        .long(last)
        .hash()
}

/// The hash of the counter of effects received from one source.
pub(crate) fn received_hash(source: &AggregateId, received: &Received) -> u64 {
    Canon::new(b'r')
        .bytes(source.to_string().as_bytes())
        .long(received.last)
        .long(received.at.0)
        .hash()
}

/// The hash of one pending effect.
pub(crate) fn pending_hash(effect: &Effect) -> u64 {
    Canon::new(b'p').bytes(&schemas::encode(effect)).hash()
}

impl AreaState {
    /// Brings the hashes up to date with all that has changed.
    pub(crate) fn settle(&mut self) {
        let bodies = self.slots.settle();
        let mut canon = Canon::new(b'a');
        canon
            .bytes(self.area.as_str().as_bytes())
            .bytes(self.map.as_bytes())
            .long(self.seed)
            .long(self.tick.0)
            .long(self.at.0)
            .long(self.position.incarnation.0)
            .long(self.position.sequence.0)
            .long(u64::from(self.position.index))
            .byte(u8::from(self.mail.forgot));
        if let Some(owner) = &self.owner {
            canon
                .bytes(owner.worker.as_bytes())
                .bytes(owner.build.as_bytes())
                .long(u64::from(owner.rules))
                .bytes(&owner.map_hash.0)
                .long(u64::from(owner.hash_version))
                .byte(u8::from(owner.present))
                .byte(u8::from(owner.asleep));
        }
        self.hash = StateHash {
            public: bodies.public,
            full: bodies
                .full
                .wrapping_add(self.tables)
                .wrapping_add(canon.hash()),
        };
    }

    /// The sum over the tables, taken from scratch; equals `tables` at all times.
    pub(crate) fn tables_from_scratch(&self) -> u64 {
        let sum = |hashes: &mut dyn Iterator<Item = u64>| hashes.fold(0, u64::wrapping_add);
        [
            sum(&mut self.gone.iter().map(|(c, gone)| gone_hash(*c, gone))),
            sum(&mut self.mail.sent.iter().map(|(t, last)| sent_hash(t, *last))),
            sum(&mut self
                .mail
                .received
                .iter()
                .map(|(source, received)| received_hash(source, received))),
            sum(&mut self.mail.pending.values().map(pending_hash)),
            self.instances.hash(),
        ]
        .into_iter()
        .fold(0, u64::wrapping_add)
    }
}
