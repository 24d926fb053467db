//! Each character is in exactly one place: the lobby, one area, or one effect on its way.

use std::collections::{BTreeMap, HashMap};

use schemas::effect::EffectPayload;
use schemas::subjects::{AREA_EVENTS, AggregateId};
use schemas::{AreaId, CharacterId, Sequence};
use serde::{Deserialize, Serialize};

use super::mail::{Pair, Wrong};
use super::report::Report;

/// Where a character is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Place {
    Lobby,
    Area(AreaId),
    /// In this effect.
    Travelling(Pair, u64),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lobby => f.write_str("in the lobby"),
            Self::Area(area) => write!(f, "in {area}"),
            Self::Travelling((source, target), number) => {
                write!(f, "in effect {number} from {source} to {target}")
            }
        }
    }
}

/// All characters.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Places {
    of: BTreeMap<CharacterId, Place>,
    /// The character in each effect that carries one, until it is applied.
    carried: HashMap<(Pair, u64), CharacterId>,
}

/// Whether an effect takes a character with it.
const fn carries(payload: &EffectPayload) -> bool {
    matches!(
        payload,
        EffectPayload::Enter { .. } | EffectPayload::Returned { .. }
    )
}

impl Places {
    pub(super) fn create(&mut self, character: CharacterId) -> Wrong {
        match self.of.insert(character, Place::Lobby) {
            None => Ok(()),
            Some(place) => Err(format!("{character} is created anew while it is {place}")),
        }
    }

    /// A character is gone for good: only from the lobby's keeping.
    pub(super) fn destroy(&mut self, character: CharacterId) -> Wrong {
        match self.of.remove(&character) {
            Some(Place::Lobby) => Ok(()),
            Some(place) => Err(format!("{character} is erased while it is {place}")),
            None => Err(format!("{character} is erased, but it was never created")),
        }
    }

    /// The lobby takes a character back that is nowhere: neither in an area nor in an effect that
    /// is still to be applied. What the books have of it is an effect that will never arrive.
    pub(super) fn reclaim(&mut self, character: CharacterId) -> Wrong {
        self.carried.retain(|_, carried| *carried != character);
        match self.of.insert(character, Place::Lobby) {
            None | Some(Place::Travelling(..)) => Ok(()),
            Some(place) => Err(format!(
                "{character} is taken back as lost while it is {place}"
            )),
        }
    }

    /// An effect is issued by whoever is at `from`.
    pub(super) fn send(
        &mut self,
        from: &Place,
        pair: Pair,
        number: u64,
        payload: &EffectPayload,
    ) -> Wrong {
        if !carries(payload) {
            return Ok(());
        }
        let Some(character) = payload.character() else {
            return Ok(());
        };
        let travelling = Place::Travelling(pair.clone(), number);
        self.carried.insert((pair, number), character);
        match self.of.insert(character, travelling) {
            Some(place) if place == *from => Ok(()),
            Some(place) => Err(format!(
                "{character} is sent away {from}, but it is {place}"
            )),
            None => Err(format!(
                "{character} is sent away {from}, but it was never created"
            )),
        }
    }

    /// An effect is applied at `to`; the character that it carried, if any.
    pub(super) fn receive(
        &mut self,
        to: &Place,
        pair: &Pair,
        number: u64,
    ) -> Result<Option<CharacterId>, String> {
        let key = (pair.clone(), number);
        let Some(character) = self.carried.remove(&key) else {
            return Ok(None);
        };
        let (pair, number) = key;
        let expected = Place::Travelling(pair, number);
        match self.of.insert(character, to.clone()) {
            Some(place) if place == expected => Ok(Some(character)),
            Some(place) => Err(format!(
                "{character} arrives {to} {expected}, but it is {place}"
            )),
            None => Err(format!(
                "{character} arrives {to}, but it was never created"
            )),
        }
    }

    /// Where the books say that it is.
    pub(super) fn of(&self, character: CharacterId) -> Option<&Place> {
        self.of.get(&character)
    }

    /// Whom the books have in an area.
    pub(super) fn in_area<'a>(
        &'a self,
        area: &'a AreaId,
    ) -> impl Iterator<Item = CharacterId> + 'a {
        self.of
            .iter()
            .filter(move |(_, place)| matches!(place, Place::Area(there) if there == area))
            .map(|(character, _)| *character)
    }

    pub(super) fn close(&self, report: &mut Report) {
        report.characters = self.of.len() as u64;
        let travelling = |place: &&Place| matches!(place, Place::Travelling(..));
        report.characters_travelling = self.of.values().filter(travelling).count() as u64;
        for ((pair, number), character) in &self.carried {
            let there = Place::Travelling(pair.clone(), *number);
            if self.of(*character) != Some(&there) {
                let message = format!("{character} is {there} and somewhere else too");
                let place = pair_area(pair);
                report.find("place", AREA_EVENTS, Sequence(0), place.as_deref(), message);
            }
        }
    }
}

fn pair_area((source, target): &Pair) -> Option<String> {
    [source, target].into_iter().find_map(|end| match end {
        AggregateId::Area(area) => Some(area.to_string()),
        AggregateId::Character(_) | AggregateId::Control(_) => None,
    })
}
