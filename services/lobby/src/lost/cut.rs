//! All areas at one cut, and where in it a character is.

use std::collections::BTreeMap;
use std::fmt;

use schemas::effect::{Effect, EffectPayload};
use schemas::subjects::AggregateId;
use schemas::{AreaId, CharacterId, Incarnation, Sequence};
use world::AreaState;

use super::Entry;

/// All areas, folded to one sequence of their stream.
pub(super) struct Cut {
    /// Up to this event.
    pub(super) at: Sequence,
    /// In this life of the stream.
    pub(super) incarnation: Incarnation,
    /// The areas that have ever been opened.
    pub(super) areas: BTreeMap<AreaId, AreaState>,
}

/// Where a character is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// It has a body in this area.
    Body(AreaId),
    /// It is in this effect, which its target has not taken yet.
    OnTheWay {
        /// From whom.
        source: AggregateId,
        /// To whom.
        target: AggregateId,
        /// Its number between the two.
        number: u64,
    },
    /// In no area, and in no effect that is still to be taken.
    Nowhere,
}

impl fmt::Display for Whereabouts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(area) => write!(f, "in {area}"),
            Self::OnTheWay {
                source,
                target,
                number,
            } => write!(f, "in effect {number} from {source} to {target}"),
            Self::Nowhere => f.write_str("nowhere"),
        }
    }
}

impl Cut {
    /// Compares the areas' counters: none may have taken from another what that has not sent.
    ///
    /// # Errors
    /// A sentence on what does not fit: the log is not whole, and proves nothing.
    pub(super) fn check(&self) -> Result<(), String> {
        for (target_name, target) in &self.areas {
            let there = AggregateId::Area(target_name.clone());
            for (source_name, source) in &self.areas {
                let taken = target.received(&AggregateId::Area(source_name.clone()));
                let sent = source.sent(&there);
                if taken > sent {
                    return Err(format!(
                        "{target_name} has taken {taken} effects of {source_name}, which has sent {sent}"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Where `character` is, of which the lobby's newest entry at the cut is `entry`.
    pub(super) fn find(&self, character: CharacterId, entry: &Entry) -> Whereabouts {
        let holds = |(_, state): &(&AreaId, &AreaState)| state.by_character(character).is_some();
        if let Some((area, _)) = self.areas.iter().find(holds) {
            return Whereabouts::Body(area.clone());
        }
        let me = AggregateId::Character(character);
        let ours = entry
            .outbox
            .pending
            .iter()
            .map(|effect| (me.clone(), effect));
        let theirs = self.areas.iter().flat_map(|(area, state)| {
            let source = AggregateId::Area(area.clone());
            let pending = state.pending_effects();
            pending.map(move |effect| (source.clone(), effect))
        });
        for (source, effect) in ours.chain(theirs) {
            if carries(effect, character) && effect.number > self.taken(&source, effect, entry) {
                return Whereabouts::OnTheWay {
                    source,
                    target: effect.target.clone(),
                    number: effect.number,
                };
            }
        }
        Whereabouts::Nowhere
    }

    /// How far the target of `effect` has taken what `source` sends it. What is not known counts as
    /// not taken: then nothing is proven.
    fn taken(&self, source: &AggregateId, effect: &Effect, entry: &Entry) -> u64 {
        match &effect.target {
            AggregateId::Area(area) => self
                .areas
                .get(area)
                .map_or(0, |state| state.received(source)),
            AggregateId::Character(_) => entry.outbox.received.get(source).copied().unwrap_or(0),
            AggregateId::Control(_) => 0,
        }
    }
}

fn carries(effect: &Effect, character: CharacterId) -> bool {
    matches!(&effect.payload,
        EffectPayload::Enter { traveller, .. } | EffectPayload::Returned { traveller, .. }
            if traveller.character == character)
}
