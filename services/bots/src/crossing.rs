//! One bot's changes of area: when it sets off, which door it takes, and what became of its asking.

use std::time::Duration;

use schemas::ClientSeq;
use tokio::time::Instant;

use crate::maps::Door;
use crate::own_body::Place;
use crate::pilot::{Advice, Pilot, time_to};
use crate::tally::Tally;
use crate::wander::Wander;

/// Who waits longer than this for the other side has been lost on the way, as far as a player can tell.
const LOST_AFTER: Duration = Duration::from_secs(30);

/// Where a bot stands with its doors.
#[derive(Debug, Default)]
pub(crate) struct Crossing {
    /// When the next change of area is due.
    due: Option<Instant>,
    door: Option<Door>,
    pilot: Option<Pilot>,
    asked: Option<Asked>,
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    seq: ClientSeq,
    at: Instant,
}

impl Crossing {
    /// A picture has come: `changed` when it is of another area than the last one.
    pub(crate) fn arrived(&mut self, changed: bool, tally: &Tally) {
        if changed {
            if let Some(asked) = self.asked.take() {
                tally.area_change.record(asked.at.elapsed());
            }
            self.due = None;
        }
        // A picture may have put the body elsewhere.
        self.door = None;
        self.pilot = None;
    }

    /// The bot has sent `UseDoor`.
    pub(crate) fn asked(&mut self, seq: ClientSeq, now: Instant, tally: &Tally) {
        tally
            .doors_asked
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.asked = Some(Asked { seq, at: now });
    }

    /// A command was refused; `reason` names why.
    pub(crate) fn refused(&mut self, seq: ClientSeq, reason: &str, tally: &Tally) {
        if self.asked.is_some_and(|asked| asked.seq == seq) {
            self.asked = None;
            tally.doors_failed.add(reason);
        }
    }

    /// The session is over: an open question has no answer any more.
    pub(crate) fn given_up(&mut self, why: &str, tally: &Tally) {
        if self.asked.take().is_some() {
            tally.doors_failed.add(why);
        }
        *self = Self::default();
    }

    /// What to do, for a bot that changes areas about `every` so often and knows these `doors`; `None`: as it likes.
    pub(crate) fn advise(
        &mut self,
        every: Duration,
        doors: &[Door],
        place: Place,
        held: u8,
        wander: &mut Wander,
        tally: &Tally,
    ) -> Option<Advice> {
        let now = Instant::now();
        if let Some(asked) = self.asked {
            if now - asked.at < LOST_AFTER {
                return None;
            }
            self.asked = None;
            tally.doors_failed.add("no_picture");
        }
        let due = *self.due.get_or_insert_with(|| {
            let spread = u64::try_from(every.as_millis() / 2).unwrap_or(u64::MAX);
            now + every * 3 / 4 + Duration::from_millis(wander.below(spread))
        });
        if self.door.is_none() {
            self.door = choose(doors, place, wander);
        }
        let door = self.door?;
        if self.pilot.is_none() && now + time_to(&door, place) < due {
            return None;
        }
        let pilot = self.pilot.get_or_insert_with(|| Pilot::to(door, now));
        Some(pilot.steer(place, held, now))
    }
}

/// Mostly the nearest door, sometimes any.
fn choose(doors: &[Door], place: Place, wander: &mut Wander) -> Option<Door> {
    if wander.below(8) == 0 {
        let any = usize::try_from(wander.below(doors.len() as u64)).unwrap_or(0);
        return doors.get(any).copied();
    }
    let nearest = doors.iter().min_by_key(|door| time_to(door, place));
    nearest.copied()
}
