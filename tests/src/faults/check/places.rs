//! Each character is in exactly one place at every causally closed cut.
//!
//! A character's life is a path: a stay with one holder, then an effect that carries it, then a stay with the effect's
//! target. Its holders tell, each in its own order, when it came (by which effect) and when it went (in which effect). If
//! those pieces join into *one* path that begins at its creation and holds every stay, then no cut that contains an
//! effect's cause with the effect can have it twice or not at all. No order between holders needs to be known.

use std::collections::{BTreeMap, BTreeSet};

use schemas::CharacterId;
use schemas::effect::EffectPayload;
use schemas::fact::Fact;
use schemas::lobby::{LobbyEvent, Place};
use schemas::outcome::EffectVerdict;
use schemas::subjects::AggregateId;

use super::Finding;
use super::effects::{Effects, Pair};
use super::log::Log;

/// An effect that carries a character.
type Carrier = (Pair, u64);

/// A time with one holder.
#[derive(Debug)]
struct Stay {
    holder: AggregateId,
    /// `None`: created here.
    came: Option<Carrier>,
    /// `None`: it is still here.
    went: Option<Carrier>,
}

#[derive(Default)]
struct Life {
    stays: Vec<Stay>,
    wrong: Vec<String>,
}

impl Life {
    fn open(&mut self, holder: &AggregateId) -> Option<&mut Stay> {
        let here = |stay: &&mut Stay| stay.holder == *holder && stay.went.is_none();
        self.stays.iter_mut().find(here)
    }

    fn comes(&mut self, holder: &AggregateId, came: Option<Carrier>) {
        if self.open(holder).is_some() {
            self.wrong.push(format!("comes to {holder}, where it is"));
        }
        self.stays.push(Stay {
            holder: holder.clone(),
            came,
            went: None,
        });
    }

    fn goes(&mut self, holder: &AggregateId, carrier: Carrier) {
        match self.open(holder) {
            Some(stay) => stay.went = Some(carrier),
            None => self.wrong.push(format!("leaves {holder}, where it is not")),
        }
    }

    /// What one step of a holder says: whoever is here goes first, whoever is not comes first.
    fn step(&mut self, holder: &AggregateId, came: Vec<Carrier>, went: Vec<Carrier>) {
        let (mut came, mut went) = (came.into_iter(), went.into_iter());
        loop {
            let next = if self.open(holder).is_some() {
                went.next().map(|carrier| self.goes(holder, carrier))
            } else {
                came.next().map(|carrier| self.comes(holder, Some(carrier)))
            };
            if next.is_none() {
                break;
            }
        }
        came.for_each(|carrier| self.comes(holder, Some(carrier)));
        went.for_each(|carrier| self.goes(holder, carrier));
    }
}

const fn carries(payload: &EffectPayload) -> Option<CharacterId> {
    match payload {
        EffectPayload::Enter { traveller, .. } | EffectPayload::Returned { traveller, .. } => {
            Some(traveller.character)
        }
        _ => None,
    }
}

/// Where everybody is at the end; what should not be is found on the way.
pub(super) fn check(
    log: &Log,
    effects: &Effects,
    findings: &mut Vec<Finding>,
) -> BTreeMap<CharacterId, AggregateId> {
    let mut lives: BTreeMap<CharacterId, Life> = BTreeMap::new();
    of_the_lobby(log, effects, &mut lives);
    of_areas(log, effects, &mut lives, findings);
    let mut ends = BTreeMap::new();
    for (character, life) in lives {
        let mut find = |what: String| {
            findings.push(Finding::new("places", format!("{character} {what}")));
        };
        life.wrong.iter().for_each(|wrong| find(wrong.clone()));
        let by_carrier: BTreeMap<&Carrier, &Stay> = life
            .stays
            .iter()
            .filter_map(|stay| Some((stay.came.as_ref()?, stay)))
            .collect();
        let mut births = life.stays.iter().filter(|stay| stay.came.is_none());
        let (Some(first), None) = (births.next(), births.next()) else {
            find("was not created exactly once".to_owned());
            continue;
        };
        let (mut path, mut seen) = (first, BTreeSet::new());
        let mut length = 1;
        while let Some(carrier) = &path.went {
            if !seen.insert(carrier) {
                break;
            }
            let Some(next) = by_carrier.get(carrier) else {
                find(format!(
                    "went from {} in effect {} to {} and never came",
                    path.holder, carrier.1, carrier.0.1
                ));
                break;
            };
            path = next;
            length += 1;
        }
        if length != life.stays.len() {
            let stays: Vec<String> = life
                .stays
                .iter()
                .map(|stay| stay.holder.to_string())
                .collect();
            find(format!(
                "is in more than one place: its {} stays are no path, {length} of them are: {stays:?}",
                life.stays.len()
            ));
        }
        ends.insert(character, path.holder.clone());
    }
    ends
}

fn of_the_lobby(log: &Log, effects: &Effects, lives: &mut BTreeMap<CharacterId, Life>) {
    for (character, entries) in &log.characters {
        let me = AggregateId::Character(*character);
        let life = lives.entry(*character).or_default();
        let mut known: BTreeSet<Carrier> = BTreeSet::new();
        let mut received: BTreeMap<AggregateId, u64> = BTreeMap::new();
        for kept in entries {
            let entry = &kept.entry;
            let created = |event: &LobbyEvent| matches!(event, LobbyEvent::Created { .. });
            if entry.events.iter().any(created) {
                life.comes(&me, None);
            }
            let mut came = Vec::new();
            for (source, up_to) in &entry.outbox.received {
                let pair = (source.clone(), me.clone());
                let before = received.insert(source.clone(), *up_to).unwrap_or(0);
                let issued = effects.issued.get(&pair);
                came.extend((before + 1..=*up_to).filter_map(|number| {
                    let payload = issued.and_then(|issued| issued.get(&number))?;
                    carries(payload).map(|_| (pair.clone(), number))
                }));
            }
            let went = entry.outbox.pending.iter().filter_map(|effect| {
                carries(&effect.payload)?;
                let carrier = ((me.clone(), effect.target.clone()), effect.number);
                known.insert(carrier.clone()).then_some(carrier)
            });
            let went: Vec<Carrier> = went.collect();
            life.step(&me, came, went);
            let here = matches!(entry.state.place, Some(Place::Lobby(_)));
            if here != life.open(&me).is_some() {
                let sequence = kept.sequence;
                let wrong = format!("is not where the lobby says in its entry {sequence}");
                life.wrong.push(wrong);
            }
        }
    }
}

fn of_areas(
    log: &Log,
    effects: &Effects,
    lives: &mut BTreeMap<CharacterId, Life>,
    findings: &mut Vec<Finding>,
) {
    for (area, frames) in &log.frames {
        let me = AggregateId::Area(area.clone());
        let mut here: BTreeSet<CharacterId> = BTreeSet::new();
        for placed in frames {
            let mut moved: BTreeMap<CharacterId, (Vec<Carrier>, Vec<Carrier>)> = BTreeMap::new();
            for outcome in &placed.frame.outcomes.effects {
                let pair = (outcome.source.clone(), me.clone());
                let issued = effects.issued.get(&pair);
                let payload = issued.and_then(|issued| issued.get(&outcome.number));
                if outcome.verdict == EffectVerdict::Applied
                    && let Some(character) = payload.and_then(carries)
                {
                    let came = &mut moved.entry(character).or_default().0;
                    came.push((pair, outcome.number));
                }
            }
            for effect in &placed.frame.effects {
                if let Some(character) = carries(&effect.payload) {
                    let carrier = ((me.clone(), effect.target.clone()), effect.number);
                    moved.entry(character).or_default().1.push(carrier);
                }
            }
            for fact in &placed.frame.facts {
                match fact {
                    Fact::Arrived { traveller, .. } => {
                        here.insert(traveller.character);
                    }
                    Fact::Departed { character, .. } => {
                        here.remove(character);
                    }
                    _ => {}
                }
            }
            for (character, (came, went)) in moved {
                let life = lives.entry(character).or_default();
                life.step(&me, came, went);
                if here.contains(&character) != life.open(&me).is_some() {
                    let sequence = placed.sequence;
                    findings.push(Finding::new(
                        "places",
                        format!("{area}, sequence {sequence}: what it says of {character} and the effects it takes and gives contradict each other"),
                    ));
                }
            }
        }
    }
}
