//! An area that goes its own way: the same commands, decided by other rules from a common beginning on.
//!
//! What is given is as it was recorded: which command was consumed in which tick, who arrived, who owned the area when.
//! What follows is not: the alternative stands on its own state. Bodies may have other handles there, so what edges say
//! of handles is put in terms of characters; a command for which a tick has no room waits for the next one; whoever had
//! left in the record leaves here at the latest with the next tick, because from then on it was commanded elsewhere.

use std::collections::{BTreeMap, VecDeque};

use schemas::command::AreaMessage;
use schemas::fact::Fact;
use schemas::{CharacterId, Digest, Handle};
use world::{
    AreaState, Broken, Command, FrameHeader, Incoming, Map, RuleError, Rules, TickInput,
    decide_despite_faults,
};

use super::protocol::{Answered, Asked, Begin, Message};

/// Why an alternative does not begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// The state is none that this build can read.
    #[error("this build cannot read the area's state")]
    State(#[from] schemas::codec::DecodeError),
    /// The rules cannot be changed like that.
    #[error(transparent)]
    Rules(#[from] RuleError),
    /// There is nothing to stand on.
    #[error("this build has no map {0}")]
    NoMap(String),
}

/// An area on its own way.
pub(crate) struct Alternative {
    rules: Rules,
    map: &'static Map,
    state: AreaState,
    /// Commands for which no tick has had room so far.
    waiting: VecDeque<Incoming>,
    /// The bodies have yet to be put on this build's map.
    replace: Option<Fact>,
}

impl Alternative {
    /// One that stands where it is told to begin.
    pub(crate) fn begin(begin: &Begin) -> Result<Self, Refused> {
        let mut rules = Rules::DEFAULT;
        for (name, value) in &begin.rules {
            rules.set(name, *value)?;
        }
        let state: AreaState = schemas::decode(&begin.state)?;
        let name = state.map_name().to_owned();
        let map = &world::maps::builtin(&name).ok_or(Refused::NoMap(name))?.map;
        let replace = owned_anew(&state, map.digest);
        Ok(Self {
            rules,
            map,
            state,
            waiting: VecDeque::new(),
            replace,
        })
    }

    /// Whether its map is another one than the area stood on.
    pub(crate) const fn has_other_map(&self) -> bool {
        self.replace.is_some()
    }

    /// Decides a tick.
    pub(crate) fn tick(&mut self, asked: &Asked) -> Result<Answered, Broken> {
        self.receive(asked);
        let mut input = TickInput {
            tick: asked.tick,
            at: asked.at,
            commands: self.waiting.iter().cloned().collect(),
            first_facts: self.first_facts(asked),
        };
        let decision =
            decide_despite_faults(&self.rules, &self.state, self.map, &mut input, |_| {})?;
        self.waiting.drain(..decision.consumed);
        if !decision.changed {
            self.state = decision.next;
            return Ok(Answered { frame: None });
        }
        let (frame, _, next) = decision.seal(&FrameHeader {
            epoch: self.state.epoch(),
            claim: self.state.claim(),
        });
        self.state = next;
        Ok(Answered { frame: Some(frame) })
    }

    /// What comes before the commands: the owner's life, and who leaves because the record says so.
    fn first_facts(&mut self, asked: &Asked) -> Vec<Fact> {
        let mut first: Vec<Fact> = asked.orders.clone();
        for order in &mut first {
            if let Fact::Owned { map_hash, .. } = order {
                *map_hash = self.map.digest;
            }
        }
        let replace = self.replace.take();
        if first.is_empty() {
            first.extend(replace);
        }
        for departed in &asked.left {
            let mut departed = departed.clone();
            if let Fact::Departed {
                handle, character, ..
            } = &mut departed
                && let Some(body) = self.state.by_character(*character)
            {
                *handle = body.handle;
                first.push(departed);
            }
        }
        first
    }

    fn receive(&mut self, asked: &Asked) {
        let who: BTreeMap<Handle, CharacterId> = asked.who.iter().copied().collect();
        for message in &asked.messages {
            for mut next in apart(message) {
                if let Command::Alive { handles, .. } = &mut next.command {
                    handles.retain_mut(|(handle, _)| self.translate(&who, handle));
                }
                let place = (next.position.sequence, next.position.index);
                if asked.faults.contains(&place) {
                    next = next.as_fault();
                }
                self.waiting.push_back(next);
            }
        }
    }

    /// Puts the handle that the same body has here; false when it is not here.
    fn translate(&self, who: &BTreeMap<Handle, CharacterId>, handle: &mut Handle) -> bool {
        let body = who
            .get(handle)
            .and_then(|character| self.state.by_character(*character));
        body.is_some_and(|body| {
            *handle = body.handle;
            true
        })
    }
}

/// The commands of a message that a tick consumed.
pub(crate) fn apart(message: &Message) -> Vec<Incoming> {
    let Message {
        subject,
        sequence,
        incarnation,
        stored_at,
        first,
        last,
        payload,
    } = message;
    let mut commands = match AreaMessage::received(subject, payload) {
        Ok(received) => world::incoming(received, *incarnation, *sequence, *stored_at),
        Err(_) => vec![world::undecodable(*incarnation, *sequence, *stored_at)],
    };
    commands.retain(|next| (*first..=*last).contains(&next.position.index));
    commands
}

/// The ownership that puts the bodies on the map of that digest, if they stand on another.
fn owned_anew(state: &AreaState, digest: Digest) -> Option<Fact> {
    let owner = state.owner().filter(|owner| owner.map_hash != digest)?;
    Some(Fact::Owned {
        worker: owner.worker.clone(),
        build: owner.build.clone(),
        rules: owner.rules,
        map: state.map_name().to_owned(),
        map_hash: digest,
        seed: state.seed(),
        hash_version: owner.hash_version,
        resume_tick: state.tick(),
        lost: None,
    })
}
