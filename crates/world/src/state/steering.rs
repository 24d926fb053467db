//! How an area treats those who come, and where it sent the parties of those it did not take.
//!
//! Both are empty in an area that was never steered, and then add nothing to its hashes: logs
//! from before there were instances fold to the very states they name.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::effect::party_id;
use schemas::{AreaId, CharacterId, Tick};
use serde::{Deserialize, Serialize};

use super::AreaState;
use super::hash::{party_hash, steering_hash};
use crate::body::Body;
use crate::rules::{PARTY_TICKS, REMEMBERED_PARTIES, Rules};

/// What the area's control last told it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Steering {
    /// It takes nobody any more, and sends on those who are in it.
    pub closed: bool,
    /// To which instance of its map it sends on; `None`: to the lobby.
    pub overflow: Option<AreaId>,
    /// Bodies from which on it sends on who comes; 0: as the rules say.
    pub soft: u32,
}

impl Steering {
    /// Bodies from which on it sends on who comes, if it has an overflow.
    #[must_use]
    pub fn soft_capacity(&self, rules: &Rules) -> usize {
        match self.soft {
            0 => capacity(rules.soft_capacity),
            soft => capacity(soft),
        }
    }

    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// So many bodies.
pub(crate) fn capacity(bodies: u32) -> usize {
    usize::try_from(bodies).unwrap_or(usize::MAX)
}

/// Where a party was sent on to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartyAway {
    /// To which instance.
    pub(crate) to: AreaId,
    /// When one of it was last sent there.
    pub(crate) at: Tick,
}

/// Steering, and the whereabouts of parties by their id.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Instances {
    /// What control last said.
    #[serde(default, skip_serializing_if = "Steering::is_default")]
    pub(crate) steering: Steering,
    /// At most [`REMEMBERED_PARTIES`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) parties: BTreeMap<CharacterId, PartyAway>,
}

impl Instances {
    pub(super) fn is_default(instances: &Arc<Self>) -> bool {
        **instances == Self::default()
    }

    /// The sum of the hashes of all that is in it.
    pub(super) fn hash(&self) -> u64 {
        self.parties
            .iter()
            .map(|(party, away)| party_hash(*party, away))
            .fold(steering_hash(&self.steering), u64::wrapping_add)
    }
}

impl AreaState {
    /// How it treats those who come.
    #[must_use]
    pub fn steering(&self) -> &Steering {
        &self.instances.steering
    }

    /// Whether it takes nobody, and sends on those who are in it: control said so, or nobody has
    /// its map.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.steering().closed || *self.map == *crate::maps::VOID
    }

    /// Whether somebody of that party is in the area.
    #[must_use]
    pub fn is_with(&self, party: CharacterId) -> bool {
        self.bodies().any(|body| body.party_id() == party)
    }

    /// To which instance of the same map one of that party was sent on lately. Of those who
    /// travel alone the table of doors knows it.
    #[must_use]
    pub fn party_away(&self, party: CharacterId, now: Tick) -> Option<&AreaId> {
        let party_went = self
            .instances
            .parties
            .get(&party)
            .filter(|away| now.0 <= away.at.0 + PARTY_TICKS)
            .map(|away| &away.to);
        party_went.or_else(|| {
            self.gone_to(party, now)
                .filter(|to| **to != self.area && to.map() == self.area.map())
        })
    }

    /// From now on it treats those who come like this.
    pub(crate) fn steer(&mut self, steering: Steering) {
        let instances = Arc::make_mut(&mut self.instances);
        self.tables = self
            .tables
            .wrapping_sub(steering_hash(&instances.steering))
            .wrapping_add(steering_hash(&steering));
        instances.steering = steering;
    }

    /// One of the party has been sent on to `to`. Of too many parties the one is forgotten that
    /// was sent on the longest ago.
    pub(crate) fn remember_party(&mut self, party: CharacterId, to: &AreaId, at: Tick) {
        self.forget_party(party);
        if self.instances.parties.len() >= REMEMBERED_PARTIES {
            let oldest = self
                .instances
                .parties
                .iter()
                .min_by_key(|(party, away)| (away.at, **party))
                .map(|(party, _)| *party);
            if let Some(oldest) = oldest {
                self.forget_party(oldest);
            }
        }
        let away = PartyAway { to: to.clone(), at };
        self.tables = self.tables.wrapping_add(party_hash(party, &away));
        Arc::make_mut(&mut self.instances)
            .parties
            .insert(party, away);
    }

    /// It is not known any more where the party was sent.
    pub(crate) fn forget_party(&mut self, party: CharacterId) {
        if self.instances.parties.contains_key(&party)
            && let Some(away) = Arc::make_mut(&mut self.instances).parties.remove(&party)
        {
            self.tables = self.tables.wrapping_sub(party_hash(party, &away));
        }
    }

    /// Forgets parties that were sent on long ago.
    pub(crate) fn forget_old_parties(&mut self, now: Tick) {
        let old: Vec<CharacterId> = self
            .instances
            .parties
            .iter()
            .filter(|(_, away)| now.0.saturating_sub(away.at.0) > PARTY_TICKS)
            .map(|(party, _)| *party)
            .collect();
        for party in old {
            self.forget_party(party);
        }
    }
}

impl Body {
    /// The party it belongs to; who travels alone is a party of one, named after itself.
    #[must_use]
    pub const fn party_id(&self) -> CharacterId {
        party_id(self.party, self.character)
    }
}
