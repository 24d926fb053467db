//! A tick in the course of being decided: the working copy of the area and what is to be told.

use std::collections::{BTreeMap, BTreeSet};

use schemas::effect::{Effect, EffectPayload};
use schemas::fact::Fact;
use schemas::outcome::{Outcomes, Reason, Rejected};
use schemas::segment::InputBits;
use schemas::subjects::AggregateId;
use schemas::{CharacterId, ClientSeq, Handle, Step, Tick, UnixMillis};

use super::budget::Budget;
use super::movement::Pressing;
use super::{Command, Incoming, TickInput, effect, player};
use crate::evolve;
use crate::map::Map;
use crate::rules::Rules;
use crate::state::AreaState;

/// The working copy and what has been decided so far.
pub(super) struct Deciding<'a> {
    pub(super) rules: &'a Rules,
    /// The area before the tick.
    pub(super) before: &'a AreaState,
    pub(super) map: &'a Map,
    pub(super) tick: Tick,
    pub(super) at: UnixMillis,
    /// The area with all that has been decided so far, except motion.
    pub(super) next: AreaState,
    pub(super) facts: Vec<Fact>,
    pub(super) effects: Vec<Effect>,
    pub(super) outcomes: Outcomes,
    pub(super) accepted: BTreeMap<Handle, ClientSeq>,
    pub(super) heard: BTreeSet<Handle>,
    pub(super) confirms: BTreeMap<AggregateId, u64>,
    /// What keys change in this tick.
    pub(super) pressing: BTreeMap<Handle, Pressing>,
    /// Lines spoken in this tick.
    pub(super) spoken: BTreeMap<Handle, u32>,
    /// Bodies that came in this tick, also those that have left again.
    pub(super) arrived: BTreeSet<Handle>,
    /// Characters whose commands have had outcomes in this tick.
    touched: BTreeSet<CharacterId>,
    /// Whether the map is another one than the bodies have moved on so far.
    pub(super) remapped: bool,
    pub(super) budget: Budget,
}

impl<'a> Deciding<'a> {
    pub(super) fn new(
        rules: &'a Rules,
        before: &'a AreaState,
        map: &'a Map,
        batch: &TickInput,
    ) -> Self {
        let tick = batch.tick.max(before.tick());
        let due = before.slots.due(rules, tick).count();
        let remapped = batch.first_facts.iter().any(|fact| {
            matches!((fact, before.owner()), (Fact::Owned { map_hash, .. }, Some(owner))
                if *map_hash != owner.map_hash)
        });
        let mut next = before.clone();
        if !evolve::claims(&batch.first_facts) {
            evolve::pass(&mut next, tick);
        }
        Self {
            rules,
            before,
            map,
            tick,
            at: batch.at.max(before.at()),
            next,
            facts: Vec::new(),
            effects: Vec::new(),
            outcomes: Outcomes::default(),
            accepted: BTreeMap::new(),
            heard: BTreeSet::new(),
            confirms: BTreeMap::new(),
            pressing: BTreeMap::new(),
            spoken: BTreeMap::new(),
            arrived: BTreeSet::new(),
            touched: BTreeSet::new(),
            remapped,
            budget: Budget::new(due),
        }
    }

    /// The step at whose end bodies stand as commands of this tick find them.
    pub(super) const fn standing(&self) -> Step {
        Step(self.tick.first_step().0.saturating_sub(1))
    }

    /// Something happens.
    pub(super) fn happen(&mut self, fact: Fact) {
        evolve::fact(&mut self.next, self.tick, &fact);
        self.facts.push(fact);
    }

    /// An effect is sent.
    pub(super) fn send(&mut self, target: AggregateId, payload: EffectPayload) {
        let effect = evolve::next_effect(&self.next, target, self.at, payload);
        evolve::effect(&mut self.next, &effect);
        self.effects.push(effect);
    }

    /// The lowest handle that nobody has had since the tick began: a frame's outcomes name
    /// handles, and are applied after all of its facts.
    pub(super) fn free_handle(&self) -> Option<Handle> {
        self.next
            .slots
            .free()
            .find(|handle| self.before.body(*handle).is_none() && !self.arrived.contains(handle))
    }

    /// The body's commands up to `seq` have their outcome; its session is heard.
    pub(super) fn accept(&mut self, handle: Handle, character: CharacterId, seq: ClientSeq) {
        evolve::accepted(&mut self.next, self.tick, handle, seq);
        let upto = self.accepted.entry(handle).or_default();
        *upto = seq.max(*upto);
        self.touched.insert(character);
    }

    /// A command is refused.
    pub(super) fn reject(&mut self, character: CharacterId, seq: ClientSeq, reason: Reason) {
        let refused = Rejected {
            character,
            seq,
            reason,
        };
        evolve::rejected(&mut self.next, &refused);
        self.outcomes.rejected.push(refused);
    }

    /// What the body's player holds, as far as this tick knows.
    pub(super) fn held(&self, handle: Handle) -> InputBits {
        self.pressing.get(&handle).map_or_else(
            || {
                self.next
                    .body(handle)
                    .map_or_else(InputBits::default, |body| body.controller.input)
            },
            Pressing::held,
        )
    }

    /// Lets go of everything that the body's player holds.
    pub(super) fn release(&mut self, handle: Handle) {
        self.pressing.insert(handle, Pressing::release());
    }

    /// Whether a command has to wait for the next tick.
    ///
    /// Besides the tick's bounds there is the order in which a frame is folded: facts come
    /// before outcomes. A session that is taken over, or a character that comes back, would be
    /// given the outcomes that its predecessor had in the same tick.
    pub(super) fn must_wait(&self, command: &Command, consumed: usize) -> bool {
        let renews = match command {
            Command::Effect(message) => match &message.effect.payload {
                payload @ (EffectPayload::Enter { .. } | EffectPayload::TakeSession { .. }) => {
                    payload
                        .character()
                        .is_some_and(|character| self.touched.contains(&character))
                }
                _ => false,
            },
            _ => false,
        };
        let most = usize::try_from(self.rules.max_commands_per_tick).unwrap_or(usize::MAX);
        renews || consumed >= most || !self.budget.fits(command)
    }

    /// Decides one command.
    pub(super) fn command(&mut self, incoming: &Incoming) {
        self.budget.spend(&incoming.command);
        match &incoming.command {
            Command::Player { cmd, .. } => player::player(self, cmd, incoming.stored_at, false),
            Command::Alive { handles, .. } => super::links::alive(self, handles),
            Command::Effect(message) => effect::effect(self, message),
            Command::Confirmation(confirmation) => effect::confirmation(self, confirmation),
            Command::Undecodable => self.outcomes.undecodable += 1,
            Command::Fault { of } => match &**of {
                Command::Player { cmd, .. } => player::player(self, cmd, incoming.stored_at, true),
                Command::Effect(message) => effect::fault(self, message),
                // These have no answer that could tell.
                Command::Alive { .. }
                | Command::Confirmation(_)
                | Command::Undecodable
                | Command::Fault { .. } => {}
            },
        }
    }
}
