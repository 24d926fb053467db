//! One tick: what the area's commands, and time, lead to.
//!
//! [`decide_tick`] works on a copy of the state. Whatever it decides it applies at once, through
//! the same `evolve` that will fold the frame, so that a later command of the tick sees what an
//! earlier one led to, and the state it returns is the state that every reader of the frame has.

mod budget;
mod culprit;
mod deciding;
mod departure;
mod effect;
mod enter;
mod incoming;
mod instance;
mod links;
mod movement;
mod player;
mod speech;

use schemas::effect::Effect;
use schemas::fact::Fact;
use schemas::frame::{FRAME_VERSION, Frame, StateHash};
use schemas::ids::CommandPosition;
use schemas::motion::Motion;
use schemas::outcome::Outcomes;
use schemas::subjects::AggregateId;
use schemas::{Claim, Digest, Epoch, FrameNo, Tick, UnixMillis};

pub use culprit::{Broken, decide_despite_faults};
use deciding::Deciding;
pub use incoming::{Command, Incoming, incoming, undecodable};

use crate::evolve;
use crate::map::Map;
use crate::rules::Rules;
use crate::state::AreaState;

/// What a tick decides on.
#[derive(Debug, Clone, Default)]
pub struct TickInput {
    /// Which tick; ticks since the state's own are stepped without commands.
    pub tick: Tick,
    /// The time, as the owner knows it from the broker.
    pub at: UnixMillis,
    /// Commands, in the order of the stream.
    pub commands: Vec<Incoming>,
    /// What the owner's own life adds: `Owned`, `Hibernated`, `Released`.
    pub first_facts: Vec<Fact>,
}

/// Who writes a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameHeader {
    /// The owner's fencing token.
    pub epoch: Epoch,
    /// The owner's claim.
    pub claim: Claim,
}

/// What a tick has decided.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Which tick.
    pub tick: Tick,
    /// When, never before the frame before.
    pub at: UnixMillis,
    /// How far commands are consumed.
    pub position: CommandPosition,
    /// What happened.
    pub facts: Vec<Fact>,
    /// Who moves differently; base is the first step of `tick`.
    pub motion: Motion,
    /// What became of the commands.
    pub outcomes: Outcomes,
    /// Messages to other aggregates.
    pub effects: Vec<Effect>,
    /// Sources whose effects may be confirmed up to a number, once the frame is acknowledged.
    pub confirms: Vec<(AggregateId, u64)>,
    /// How many of the commands were taken; the rest waits for the next tick.
    pub consumed: usize,
    /// Whether there is anything that a frame must tell.
    pub changed: bool,
    /// The state after the frame, but for its place in the chain, which [`Decision::seal`] adds.
    pub next: AreaState,
    no: FrameNo,
    prev: Digest,
}

impl Decision {
    /// The frame that tells this decision.
    #[must_use]
    pub fn frame(&self, header: &FrameHeader) -> Frame {
        Frame {
            version: FRAME_VERSION,
            epoch: header.epoch,
            claim: header.claim,
            no: self.no,
            prev: self.prev,
            tick: self.tick,
            at: self.at,
            pos: self.position,
            facts: self.facts.clone(),
            motion: self.motion.clone(),
            outcomes: self.outcomes.clone(),
            effects: self.effects.clone(),
            hash: self.hash(),
        }
    }

    /// The hashes of the state after it.
    #[must_use]
    pub const fn hash(&self) -> StateHash {
        self.next.hash()
    }

    /// The frame, its bytes, and the state as everyone has it who has folded them.
    #[must_use]
    pub fn seal(self, header: &FrameHeader) -> (Frame, Vec<u8>, AreaState) {
        let mut next = self.next;
        let frame = Frame {
            version: FRAME_VERSION,
            epoch: header.epoch,
            claim: header.claim,
            no: self.no,
            prev: self.prev,
            tick: self.tick,
            at: self.at,
            pos: self.position,
            facts: self.facts,
            motion: self.motion,
            outcomes: self.outcomes,
            effects: self.effects,
            hash: next.hash(),
        };
        let bytes = schemas::encode(&frame);
        next.epoch = header.epoch;
        next.claim = header.claim;
        next.frame_no = frame.no;
        next.last_digest = Digest::of(&bytes);
        (frame, bytes, next)
    }
}

/// Decides tick `batch.tick` of an area that stands as `state` says, by `rules`.
///
/// Nothing outside is touched; whoever does not get the frame into the log forgets the decision.
/// Commands are taken only when the tick lies after the state's own.
#[must_use]
pub fn decide_tick(rules: &Rules, state: &AreaState, map: &Map, batch: TickInput) -> Decision {
    let mut area = Deciding::new(rules, state, map, &batch);
    for fact in batch.first_facts {
        area.happen(fact);
    }
    let mut consumed = 0;
    let mut position = state.position();
    if area.tick > state.tick() {
        for incoming in &batch.commands {
            if consumed > 0 && area.must_wait(&incoming.command, consumed) {
                break;
            }
            area.command(incoming);
            position = incoming.position;
            consumed += 1;
        }
        links::watch(&mut area);
        instance::clear(&mut area);
    }
    let motion = movement::movement(&mut area);
    area.outcomes.accepted = area
        .accepted
        .iter()
        .flat_map(|(handle, seq)| [i64::from(*handle), i64::from(*seq)])
        .collect();
    area.outcomes.heard = area.heard.iter().copied().collect();
    let mut next = area.next;
    evolve::finish(&mut next, area.tick, area.at, position);
    Decision {
        changed: consumed > 0
            || !area.facts.is_empty()
            || !motion.0.is_empty()
            || !area.outcomes.is_empty()
            || !area.effects.is_empty(),
        tick: area.tick,
        at: area.at,
        position,
        facts: area.facts,
        motion,
        outcomes: area.outcomes,
        effects: area.effects,
        confirms: area.confirms.into_iter().collect(),
        consumed,
        no: state.frame_no().next(),
        prev: state.last_digest(),
        next,
    }
}

/// The ownership frame's decision: `owned` (with its `resume_tick`) is recorded, and the world is
/// stepped to that tick without commands. Folding the frame needs no physics.
#[must_use]
pub fn resume(
    rules: &Rules,
    state: &AreaState,
    map: &Map,
    owned: Fact,
    at: UnixMillis,
) -> Decision {
    let tick = match &owned {
        Fact::Owned { resume_tick, .. } => *resume_tick,
        _ => state.tick(),
    };
    let batch = TickInput {
        tick,
        at,
        commands: Vec::new(),
        first_facts: vec![owned],
    };
    decide_tick(rules, state, map, batch)
}
