//! What was recorded beside what would have been: tick by tick, by area, player and type.
//!
//! In a tick, what happened to one player is matched by its type. What has an equal on the other side is *same*; what is
//! left over is paired in order, *changed*; and what then finds nothing on the other side happened *only* there. By how
//! much an alternative departs is told in pixels: how far apart the two bodies of one player stand after each tick.

use std::collections::{BTreeMap, BTreeSet};

use schemas::fact::Fact;
use schemas::motion::MotionError;
use schemas::segment::SUBPIXELS;
use schemas::{AreaId, CharacterId, Tick};
use world::AreaState;

use super::bodies::Bodies;
use super::happening::{Happening, What};
use super::recording::Lived;
use super::report::{Counts, Difference, First, How, Player, Tally};
use crate::decide::protocol::Answered;
use crate::moment::Time;

/// The comparison of one area.
pub(super) struct Comparison {
    area: AreaId,
    /// The last tick compared.
    tick: Tick,
    /// Of the alternative.
    bodies: Bodies,
    pub(super) tally: Tally,
    pub(super) types: BTreeMap<&'static str, Counts>,
    pub(super) players: BTreeMap<CharacterId, Player>,
}

/// What happened of one type to one player: as recorded, and in the alternative.
type Sides<'a> = (Vec<&'a Happening>, Vec<&'a Happening>);

impl Comparison {
    /// Begins where both stand alike.
    pub(super) fn new(state: &AreaState) -> Self {
        Self {
            area: state.area().clone(),
            tick: state.tick(),
            bodies: Bodies::of(state),
            tally: Tally::default(),
            types: BTreeMap::new(),
            players: BTreeMap::new(),
        }
    }

    /// Compares a tick; what differs goes to `told`.
    pub(super) fn tick(
        &mut self,
        lived: &Lived,
        answered: &Answered,
        mut told: impl FnMut(Difference),
    ) -> Result<(), MotionError> {
        let tick = lived.asked.tick;
        self.tally.ticks += tick.0.saturating_sub(self.tick.0);
        self.tick = tick;
        self.tally.commands += lived.commands;
        let otherwise = match &answered.frame {
            Some(frame) => self.bodies.follow(frame)?,
            None => Vec::new(),
        };
        let led_away: BTreeSet<CharacterId> =
            lived.asked.left.iter().filter_map(departed).collect();
        let is_led_away = |one: &Happening| match &one.what {
            What::Fact(fact) => departed(fact).is_some_and(|who| led_away.contains(&who)),
            _ => false,
        };
        let mut sides: BTreeMap<(&'static str, Option<CharacterId>), Sides<'_>> = BTreeMap::new();
        for one in &lived.happened {
            sides
                .entry((one.kind(), one.player))
                .or_default()
                .0
                .push(one);
        }
        for one in otherwise.iter().filter(|one| !is_led_away(one)) {
            sides
                .entry((one.kind(), one.player))
                .or_default()
                .1
                .push(one);
        }
        for ((kind, player), sides) in sides {
            self.matched(lived, kind, player, sides, &mut told);
        }
        self.distances(lived);
        Ok(())
    }

    fn matched(
        &mut self,
        lived: &Lived,
        kind: &'static str,
        player: Option<CharacterId>,
        (mut there, mut here): Sides<'_>,
        told: &mut impl FnMut(Difference),
    ) {
        let mut counts = Counts {
            recorded: there.len() as u64,
            alternative: here.len() as u64,
            ..Counts::default()
        };
        there.retain(|one| {
            let equal = here.iter().position(|other| other == one);
            if let Some(at) = equal {
                here.remove(at);
                counts.same += 1;
            }
            equal.is_none()
        });
        let first = First {
            tick: lived.asked.tick,
            at: Time(lived.asked.at).to_string(),
            sequence: lived.sequence,
            kind,
        };
        for number in 0..there.len().max(here.len()) {
            let (there, here) = (there.get(number), here.get(number));
            let how = match (there, here) {
                (Some(_), None) => How::OnlyRecorded,
                (None, _) => How::OnlyAlternative,
                (Some(_), Some(_)) => How::Changed,
            };
            counts.count(how);
            told(Difference {
                area: self.area.clone(),
                tick: first.tick,
                at: first.at.clone(),
                sequence: first.sequence,
                player,
                kind,
                how,
                recorded: there.map(|one| one.data()),
                alternative: here.map(|one| one.data()),
            });
        }
        let differs = counts.differences() > 0;
        self.tally.counts.add(&counts);
        self.types.entry(kind).or_default().add(&counts);
        if differs && self.tally.first.is_none() {
            self.tally.first = Some(first.clone());
        }
        if let Some(player) = player {
            let known = self.players.entry(player).or_default();
            known.counts.add(&counts);
            if differs && known.first.is_none() {
                known.first = Some(first);
            }
        }
    }

    fn distances(&mut self, lived: &Lived) {
        let step = lived.asked.tick.last_step();
        let here: BTreeMap<CharacterId, (i32, i32)> = self.bodies.stand(step).collect();
        for (player, there) in &lived.stood {
            let known = self.players.entry(*player).or_default();
            let Some(here) = here.get(player) else {
                known.ticks_missing += 1;
                continue;
            };
            let apart = pixels(*there, *here);
            known.ticks += 1;
            known.apart_sum += apart;
            known.last_apart = apart;
            if apart > 0.0 {
                known.ticks_apart += 1;
            }
            if apart > known.farthest {
                known.farthest = apart;
                known.farthest_at = Some(lived.asked.tick);
            }
            self.tally.farthest = self.tally.farthest.max(apart);
        }
    }
}

fn departed(fact: &Fact) -> Option<CharacterId> {
    match fact {
        Fact::Departed { character, .. } => Some(*character),
        _ => None,
    }
}

/// How far apart two places are, in px.
fn pixels(one: (i32, i32), other: (i32, i32)) -> f64 {
    let along = |a: i32, b: i32| (f64::from(a) - f64::from(b)) / f64::from(SUBPIXELS);
    along(one.0, other.0).hypot(along(one.1, other.1))
}
