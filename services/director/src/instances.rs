//! Opening another instance of a map when one is full, and closing it when it is needed no more.
//!
//! Words: an **instance** is one area of a map, `<map>-<n>`. Those to which doors and logins lead
//! are **fronts**: they are never closed. One with as many bodies as its **soft capacity** is
//! **full**: it gets an **overflow**, another instance with room, to which it sends on who comes.
//! It loses it again below four fifths. An instance that is no front and has been empty for a while
//! is closed, and sends on whoever still comes to the front; closed ones are used again before new
//! ones are opened.
//!
//! Overflows never lead back to where they began. What an operator has steered is left as it is
//! until the operator hands it back, by opening it without an overflow.
//!
//! Pure: it is told how things stand, and tells what should be asked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schemas::AreaId;
use schemas::control::AreaControl;
use serde::Serialize;

use crate::opened::{MOST_INSTANCES, VOID};

/// Who steers in the director's name.
pub const DIRECTOR: &str = "director";

/// An instance as it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instance {
    /// How it is led.
    pub control: AreaControl,
    /// It has been steered and does not know yet.
    pub unconfirmed: bool,
    /// Bodies in it; 0 when it sleeps.
    pub bodies: u32,
    /// For how long it has been empty; `None`: it is not, or nobody knows.
    pub empty_for: Option<Duration>,
}

/// What an operator has decided about instances.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Bodies at which an area is full, where nothing else was said about it.
    pub soft: u32,
    /// What the rules of the world take for that.
    pub rules_soft: u32,
    /// Never closed.
    pub fronts: BTreeSet<AreaId>,
    /// An instance that is no front is closed after it has been empty for so long.
    pub retire_after: Duration,
}

/// What should be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// Open this area.
    Open {
        /// Which.
        area: AreaId,
        /// Why, for people.
        reason: String,
    },
    /// Steer this area.
    Steer {
        /// Which.
        area: AreaId,
        /// It shall take nobody any more.
        closed: bool,
        /// To which instance it sends on.
        overflow: Option<AreaId>,
        /// Its soft capacity; 0: the rules'.
        soft: u32,
        /// Why, for people.
        reason: String,
    },
}

impl Instance {
    /// An operator's word holds until it is taken back.
    fn is_led_by_operator(&self) -> bool {
        let control = &self.control;
        let word = control.closed || control.overflow.is_some();
        word && control
            .steered
            .as_ref()
            .is_some_and(|order| order.by != DIRECTOR)
    }
}

/// What the instances of all maps need.
#[must_use]
pub fn lead(instances: &BTreeMap<AreaId, Instance>, policy: &Policy) -> Vec<Step> {
    let mut maps: BTreeMap<&str, BTreeMap<u32, (&AreaId, &Instance)>> = BTreeMap::new();
    for (area, instance) in instances {
        if let Some(number) = number(area)
            && instance.control.map.as_deref() != Some(VOID)
        {
            maps.entry(area.map())
                .or_default()
                .insert(number, (area, instance));
        }
    }
    let maps = maps.into_iter();
    maps.flat_map(|(map, instances)| Map::new(map, instances, policy).lead())
        .collect()
}

fn number(area: &AreaId) -> Option<u32> {
    area.as_str()
        .strip_prefix(area.map())?
        .strip_prefix('-')?
        .parse()
        .ok()
}

struct Map<'a> {
    name: &'a str,
    instances: BTreeMap<u32, (&'a AreaId, &'a Instance)>,
    policy: &'a Policy,
    overflows: BTreeMap<&'a AreaId, &'a AreaId>,
    steps: Vec<Step>,
}

impl<'a> Map<'a> {
    fn new(
        name: &'a str,
        instances: BTreeMap<u32, (&'a AreaId, &'a Instance)>,
        policy: &'a Policy,
    ) -> Self {
        let overflow = |(area, instance): &(&'a AreaId, &'a Instance)| {
            Some((*area, instance.control.overflow.as_ref()?))
        };
        Self {
            overflows: instances.values().filter_map(overflow).collect(),
            steps: Vec::new(),
            name,
            instances,
            policy,
        }
    }

    fn lead(mut self) -> Vec<Step> {
        let led: Vec<(&AreaId, &Instance)> = self.instances.values().copied().collect();
        let led = led
            .iter()
            .filter(|(_, i)| !i.is_led_by_operator() && !i.control.closed);
        for (area, instance) in led {
            if instance.bodies >= self.soft(instance) {
                self.relieve(area, instance);
            } else if instance.control.overflow.is_some() && self.may_clear(instance) {
                self.steer(area, false, None, "there is room again");
            } else if self.is_over(area, instance) {
                self.close(area);
            }
        }
        self.steps
    }

    fn soft(&self, instance: &Instance) -> u32 {
        match instance.control.soft {
            0 => self.policy.soft,
            told => told,
        }
    }

    /// What the area must be told, so that it means the same number as we do.
    const fn soft_to_tell(&self, told: u32) -> u32 {
        match told {
            0 if self.policy.soft == self.policy.rules_soft => 0,
            0 => self.policy.soft,
            told => told,
        }
    }

    /// Below four fifths, so that an area on the edge does not change its mind with every guest.
    fn is_roomy(&self, instance: &Instance) -> bool {
        u64::from(instance.bodies) * 5 < u64::from(self.soft(instance)) * 4
    }

    fn takes(&self, area: &AreaId) -> bool {
        let instance = self.instance(area);
        instance.is_some_and(|i| !i.control.closed && i.bodies < self.soft(i))
    }

    fn instance(&self, area: &AreaId) -> Option<&'a Instance> {
        let mut instances = self.instances.values();
        instances
            .find(|(found, _)| *found == area)
            .map(|(_, instance)| *instance)
    }

    fn may_clear(&self, instance: &Instance) -> bool {
        let overflow = instance.control.overflow.as_ref();
        let stale = overflow.is_some_and(|to| self.instance(to).is_none_or(|i| i.control.closed));
        stale || self.is_roomy(instance)
    }

    /// Whether an overflow from `from` to `to` would lead back to `from`.
    fn leads_back(&self, from: &AreaId, to: &AreaId) -> bool {
        let mut at = to;
        for _ in 0..=self.overflows.len() {
            if at == from {
                return true;
            }
            match self.overflows.get(at) {
                Some(next) => at = next,
                None => return false,
            }
        }
        true
    }

    /// A full area gets an overflow with room, if it has none.
    fn relieve(&mut self, area: &'a AreaId, instance: &'a Instance) {
        if let Some(to) = &instance.control.overflow
            && self.takes(to)
            && !self.leads_back(area, to)
        {
            return;
        }
        let roomy = self.instances.values().copied().filter(|(other, i)| {
            *other != area && !i.control.closed && self.is_roomy(i) && !self.leads_back(area, other)
        });
        let roomy: Vec<(&AreaId, &Instance)> = roomy.collect();
        let most_room = roomy.iter().filter(|(_, i)| !i.unconfirmed);
        // Among equals the first, which the others have heard of.
        let most_room = most_room.rev().max_by_key(|(_, i)| self.soft(i) - i.bodies);
        if let Some((to, _)) = most_room {
            let to = *to;
            self.overflows.insert(area, to);
            self.steer(
                area,
                false,
                Some(to),
                &format!("{} bodies are in it", instance.bodies),
            );
        } else if roomy.is_empty() {
            self.another(area, instance.bodies);
        }
    }

    /// Another instance that can become an overflow: a closed one again, or a new one.
    fn another(&mut self, full: &AreaId, bodies: u32) {
        let reason = format!("{full} is full: {bodies} bodies are in it");
        let closed = self.instances.values().copied().find(|(other, i)| {
            i.control.closed && !i.is_led_by_operator() && !self.is_asked(other)
        });
        if let Some((other, _)) = closed {
            self.steer(other, false, None, &reason);
            return;
        }
        let next = (1..=MOST_INSTANCES).find(|number| !self.instances.contains_key(number));
        let next = next.and_then(|number| AreaId::new(format!("{}-{number}", self.name)).ok());
        if let Some(area) = next
            && !self.is_asked(&area)
        {
            self.steps.push(Step::Open { area, reason });
        }
    }

    fn is_asked(&self, area: &AreaId) -> bool {
        self.steps.iter().any(|step| match step {
            Step::Open { area: asked, .. } | Step::Steer { area: asked, .. } => asked == area,
        })
    }

    /// Whether an instance is needed no more.
    fn is_over(&self, area: &AreaId, instance: &Instance) -> bool {
        let empty = instance
            .empty_for
            .is_some_and(|span| span >= self.policy.retire_after);
        let is_overflow = self.overflows.values().any(|to| *to == area);
        empty
            && !is_overflow
            && instance.bodies == 0
            && instance.control.pinned.is_none()
            && !self.policy.fronts.contains(area)
            && self.front(area).is_some()
    }

    /// Where those go who come to `area` when it is closed: a front, else the first that is open.
    fn front(&self, area: &AreaId) -> Option<&'a AreaId> {
        let open = self
            .instances
            .values()
            .filter(|(other, i)| *other != area && !i.control.closed);
        let mut open = open.map(|(other, _)| *other).peekable();
        let first = open.peek().copied();
        open.find(|other| self.policy.fronts.contains(*other))
            .or(first)
    }

    fn close(&mut self, area: &'a AreaId) {
        let front = self.front(area);
        self.steer(area, true, front, "it has been empty for a while");
        self.instances.retain(|_, (other, _)| *other != area);
    }

    fn steer(&mut self, area: &AreaId, closed: bool, overflow: Option<&AreaId>, reason: &str) {
        let told = self
            .instance(area)
            .map_or(0, |instance| instance.control.soft);
        self.steps.push(Step::Steer {
            area: area.clone(),
            closed,
            overflow: overflow.cloned(),
            soft: self.soft_to_tell(told),
            reason: reason.to_owned(),
        });
    }
}

#[cfg(test)]
mod tests;
