//! Who is there, and who is believed dead.
//!
//! A worker is *announced* by its entry in `members` and *heard* by its heartbeats. One that is
//! silent for a moment is **suspected**, and its areas are placed elsewhere; one that has been
//! silent and unannounced for as long as its entry lives is **gone**. A suspicion that turns out
//! false costs a hand-over, so the falsely suspected is *exempt* for a time that doubles with every
//! false alarm: until then only silence as long as the entry's life counts.
//!
//! Suspicion decides only who tries to own an area; the log decides who does.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use schemas::control::{Heartbeat, Member};
use schemas::{AreaId, WorkerId};

use crate::plan::{Candidate, Standing};

/// The exemption after the first false alarm.
const FIRST_EXEMPTION: Duration = Duration::from_secs(1);
/// The longest exemption.
const LONGEST_EXEMPTION: Duration = Duration::from_secs(64);

/// How long silence may last.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Without a heartbeat, until a worker is suspected.
    pub suspect: Duration,
    /// Without a heartbeat or an announcement, until it is gone.
    pub gone: Duration,
    /// A last tick this late means: give it nothing more.
    pub late: Duration,
}

/// What a change in the fleet was, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A worker that was not there before.
    Joined(WorkerId),
    /// Silent for a moment.
    Suspected(WorkerId),
    /// Heard again; not suspected for so long.
    FalseAlarm(WorkerId, Duration),
    /// Silent for as long as its entry lives, or its entry was taken away.
    Gone(WorkerId),
}

/// The workers that are announced.
#[derive(Debug)]
pub struct Fleet {
    patience: Patience,
    seen: BTreeMap<WorkerId, Seen>,
}

#[derive(Debug)]
struct Seen {
    member: Member,
    heard: Instant,
    suspected: bool,
    exempt_until: Option<Instant>,
    exemption: Duration,
    late: Duration,
}

impl Fleet {
    /// An empty one.
    #[must_use]
    pub const fn new(patience: Patience) -> Self {
        Self {
            patience,
            seen: BTreeMap::new(),
        }
    }

    /// A worker has written its entry.
    pub fn announced(&mut self, member: Member, now: Instant) -> Option<Change> {
        let name = member.worker.clone();
        match self.seen.get_mut(&name) {
            Some(seen) if seen.member.life == member.life => {
                seen.member = member;
                seen.hear(now)
                    .map(|exempt| Change::FalseAlarm(name, exempt))
            }
            // A new life of the name begins without a record.
            _ => {
                let seen = Seen {
                    member,
                    heard: now,
                    suspected: false,
                    exempt_until: None,
                    exemption: FIRST_EXEMPTION,
                    late: Duration::ZERO,
                };
                self.seen.insert(name.clone(), seen);
                Some(Change::Joined(name))
            }
        }
    }

    /// A heartbeat came; one of a worker or a life that is not announced says nothing.
    pub fn heard(&mut self, beat: &Heartbeat, now: Instant) -> Option<Change> {
        let seen = self.seen.get_mut(&beat.worker)?;
        if seen.member.life != beat.life {
            return None;
        }
        seen.late = Duration::from_millis(u64::from(beat.late_ms));
        let exempt = seen.hear(now)?;
        Some(Change::FalseAlarm(beat.worker.clone(), exempt))
    }

    /// A worker's entry was taken away: it left, or the broker saw it expire.
    pub fn left(&mut self, worker: &str) -> Option<Change> {
        self.seen
            .remove(worker)
            .map(|_| Change::Gone(worker.to_owned()))
    }

    /// Judges everybody's silence.
    pub fn judge(&mut self, now: Instant) -> Vec<Change> {
        let Patience { suspect, gone, .. } = self.patience;
        let mut changes = Vec::new();
        self.seen.retain(|name, seen| {
            let silence = now.saturating_duration_since(seen.heard);
            if silence >= gone {
                changes.push(Change::Gone(name.clone()));
                return false;
            }
            let exempt = seen.exempt_until.is_some_and(|until| now < until);
            if silence >= suspect && !exempt && !seen.suspected {
                seen.suspected = true;
                changes.push(Change::Suspected(name.clone()));
            }
            true
        });
        changes
    }

    /// What the plan may do with each of them.
    #[must_use]
    pub fn candidates(&self) -> Vec<Candidate> {
        let candidate = |seen: &Seen| Candidate {
            worker: seen.member.worker.clone(),
            capacity: seen.member.capacity,
            standing: if seen.suspected || seen.member.draining {
                Standing::Leaving
            } else if seen.late >= self.patience.late {
                Standing::Watched
            } else {
                Standing::Serving
            },
        };
        self.seen.values().map(candidate).collect()
    }

    /// What each area has lately used of a core, in 1/1000, as its owner says.
    #[must_use]
    pub fn load(&self) -> BTreeMap<AreaId, u32> {
        let owned = self.seen.values().flat_map(|seen| &seen.member.areas);
        owned.cloned().collect()
    }

    /// Whether `worker` says that it owns `area`.
    #[must_use]
    pub fn owns(&self, worker: &str, area: &AreaId) -> bool {
        let seen = self.seen.get(worker);
        seen.is_some_and(|seen| seen.member.areas.iter().any(|(owned, _)| owned == area))
    }

    /// The areas that their owners have put into quarantine.
    pub fn quarantined(&self) -> impl Iterator<Item = &AreaId> {
        let members = self.seen.values();
        members.flat_map(|seen| &seen.member.quarantined)
    }

    /// How many are there, and how many of them are suspected.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let suspected = self.seen.values().filter(|seen| seen.suspected).count();
        (self.seen.len(), suspected)
    }
}

impl Seen {
    /// Notes a sign of life; the exemption when that ends a suspicion.
    fn hear(&mut self, now: Instant) -> Option<Duration> {
        self.heard = now;
        if !std::mem::take(&mut self.suspected) {
            return None;
        }
        let exempt = self.exemption;
        self.exempt_until = Some(now + exempt);
        self.exemption = (exempt * 2).min(LONGEST_EXEMPTION);
        Some(exempt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        suspect: Duration::from_millis(300),
        gone: Duration::from_secs(3),
        late: Duration::from_millis(200),
    };

    fn member(life: u64) -> Member {
        Member {
            worker: "ann".into(),
            life,
            capacity: 10,
            ..Member::default()
        }
    }

    fn beat(late_ms: u32) -> Heartbeat {
        Heartbeat {
            worker: "ann".into(),
            life: 1,
            late_ms,
        }
    }

    fn after(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    fn standing(fleet: &Fleet) -> Standing {
        fleet.candidates()[0].standing
    }

    #[test]
    fn the_silent_are_suspected_and_then_gone() {
        let (start, mut fleet) = (Instant::now(), Fleet::new(PATIENCE));
        assert_eq!(
            fleet.announced(member(1), start),
            Some(Change::Joined("ann".into()))
        );
        assert_eq!(fleet.judge(after(start, 299)), []);
        assert_eq!(
            fleet.judge(after(start, 300)),
            [Change::Suspected("ann".into())]
        );
        assert_eq!(standing(&fleet), Standing::Leaving);
        assert_eq!(fleet.judge(after(start, 2999)), []);
        assert_eq!(
            fleet.judge(after(start, 3000)),
            [Change::Gone("ann".into())]
        );
        assert_eq!(fleet.counts(), (0, 0));
    }

    #[test]
    fn a_false_alarm_exempts_for_a_doubling_time() {
        let (start, mut fleet) = (Instant::now(), Fleet::new(PATIENCE));
        fleet.announced(member(1), start);
        let mut now = 0;
        for exempt in [1000, 2000] {
            now += 300;
            assert_eq!(fleet.judge(after(start, now)).len(), 1, "at {now}");
            assert_eq!(
                fleet.heard(&beat(0), after(start, now)),
                Some(Change::FalseAlarm(
                    "ann".into(),
                    Duration::from_millis(exempt)
                ))
            );
            assert_eq!(standing(&fleet), Standing::Serving);
            assert_eq!(fleet.judge(after(start, now + exempt - 1)), []);
            now += exempt;
            fleet.heard(&beat(0), after(start, now));
        }
    }

    #[test]
    fn another_life_of_a_name_is_another_worker() {
        let (start, mut fleet) = (Instant::now(), Fleet::new(PATIENCE));
        fleet.announced(member(2), start);
        assert_eq!(fleet.heard(&beat(0), after(start, 299)), None);
        assert_eq!(fleet.judge(after(start, 300)).len(), 1);
        assert_eq!(
            fleet.announced(member(3), after(start, 300)),
            Some(Change::Joined("ann".into()))
        );
    }

    #[test]
    fn a_late_worker_keeps_what_it_has() {
        let (start, mut fleet) = (Instant::now(), Fleet::new(PATIENCE));
        fleet.announced(member(1), start);
        fleet.heard(&beat(200), start);
        assert_eq!(standing(&fleet), Standing::Watched);
        fleet.heard(&beat(0), start);
        assert_eq!(standing(&fleet), Standing::Serving);
    }
}
