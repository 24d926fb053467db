//! What is checked of one frame: that it follows, its outcomes, who came and went.

use std::collections::BTreeSet;

use eventlog::Record;
use schemas::AreaId;
use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::ids::Digest;
use schemas::outcome::EffectVerdict;
use schemas::subjects::{AREA_COMMANDS, AggregateId};
use world::{AreaState, FoldError};

use super::Books;
use super::mail::Wrong;
use super::places::Place;
use crate::commands::Consumed;
use crate::judge::{Verdict, judge};

/// What is wrong with a frame: the check and a sentence.
pub(super) type Faults = Vec<(&'static str, String)>;

/// The state after a frame; `None` when it does not follow.
pub(super) fn follow(
    before: &AreaState,
    frame: &Frame,
    record: &Record,
    faults: &mut Faults,
) -> Option<AreaState> {
    let mut state = before.clone();
    let Err(error) = state.fold(frame, Digest::of(&record.payload)) else {
        return Some(state);
    };
    let check = match &error {
        FoldError::BrokenChain { .. } => "chain",
        FoldError::HashMismatch { .. } => "hash",
        FoldError::BadMotion { .. } => "motion",
        FoldError::UnknownHashVersion { .. } => "version",
    };
    let mut message = error.to_string();
    if let Some(source) = std::error::Error::source(&error) {
        message = format!("{message}: {source}");
    }
    faults.push((check, format!("{message}; nothing after it was checked")));
    None
}

/// Finds every consumed command its outcome; how many did.
pub(super) fn outcomes(
    frame: &Frame,
    consumed: Consumed,
    before: &AreaState,
    after: &AreaState,
    faults: &mut Faults,
) -> u64 {
    let (from, to) = (before.position(), frame.pos);
    if to < from && to.incarnation == from.incarnation {
        let message = format!(
            "its commands go back from {}:{} to {}:{}",
            from.sequence, from.index, to.sequence, to.index
        );
        faults.push(("position", message));
    }
    let last = consumed.commands.last().map_or(from, |last| last.position);
    // Whatever life of the stream they name: numbers go on from one to the next.
    let elsewhere = (last.sequence, last.index) != (to.sequence, to.index);
    if to > from && elsewhere && !consumed.incomplete {
        let message = format!(
            "it says to have consumed {AREA_COMMANDS} up to {}:{}, but its last command there is {}:{}",
            to.sequence, to.index, last.sequence, last.index
        );
        faults.push(("position", message));
    }
    let judged = judge(frame, consumed, Some(before), Some(after));
    let mut matched = 0;
    for (incoming, verdict) in &judged.commands {
        if *verdict == Verdict::Missing {
            let position = incoming.position;
            let message = format!(
                "command {}:{} has no outcome in the frame that consumed it",
                position.sequence, position.index
            );
            faults.push(("outcome", message));
        } else {
            matched += 1;
        }
    }
    let strays = judged.strays.into_iter();
    faults.extend(strays.map(|stray| ("outcome", format!("it holds {stray}"))));
    matched
}

/// Enters into the books who came and went, and compares with who is there.
pub(super) fn moves(
    area: &AreaId,
    frame: &Frame,
    after: &AreaState,
    books: &mut Books,
    faults: &mut Faults,
) {
    let me = AggregateId::Area(area.clone());
    let here = Place::Area(area.clone());
    let mut note = |check, result: Wrong| faults.extend(result.err().map(|why| (check, why)));
    let mut concerned = BTreeSet::new();
    for outcome in &frame.outcomes.effects {
        let pair = (outcome.source.clone(), me.clone());
        match outcome.verdict {
            EffectVerdict::Applied => {
                note("effect", books.mail.apply(pair.clone(), outcome.number));
                let received = books.places.receive(&here, &pair, outcome.number);
                concerned.extend(received.as_ref().ok().copied().flatten());
                note("place", received.map(drop));
            }
            EffectVerdict::Repeated => note("effect", books.mail.repeat(&pair, outcome.number)),
            EffectVerdict::Gap | EffectVerdict::Expired => {}
        }
    }
    for effect in &frame.effects {
        let pair = (me.clone(), effect.target.clone());
        note("effect", books.mail.issue(pair.clone(), effect.number));
        let sent = books
            .places
            .send(&here, pair, effect.number, &effect.payload);
        note("place", sent);
    }
    for fact in &frame.facts {
        match fact {
            Fact::EffectsConfirmed { target, up_to } => {
                let pair = (me.clone(), target.clone());
                note("effect", books.mail.confirm(pair, *up_to));
            }
            Fact::Arrived { traveller, .. } => drop(concerned.insert(traveller.character)),
            Fact::Departed { character, .. } => drop(concerned.insert(*character)),
            _ => {}
        }
    }
    for character in concerned {
        let booked = books.places.of(character) == Some(&here);
        let stands = after.by_character(character).is_some();
        if booked != stands {
            let there = books.places.of(character);
            let there = there.map_or("nowhere".to_owned(), ToString::to_string);
            let stands = if stands { "stands" } else { "does not stand" };
            faults.push((
                "place",
                format!("after it {character} {stands} here, but it is {there}"),
            ));
        }
    }
}
