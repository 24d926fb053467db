//! Who is there, who is believed dead, and what each of them shall do.
//!
//! A worker is *announced* by its entry in `members` and *heard* by its heartbeats. One that is
//! silent while others are heard is **suspected**, and its areas are placed elsewhere; one of which
//! there was neither heartbeat nor entry for as long as an entry lives is **gone**. An entry is no
//! sign of health: it is in another stream than the frames, and comes once a second. A suspicion
//! that turns out false costs a hand-over, so the falsely suspected is *exempt* for a time that
//! doubles with every false alarm.
//!
//! One that is heard and says that a frame of its **hangs** is suspected too if the log takes
//! frames that set out later (`takings`). Where it takes none it is the broker, and nobody moves.
//!
//! When *nobody* is heard, it is the broker or ourselves: nobody is suspected, and nobody given
//! anything. Afterwards all are **trusted** for a while, because they come back one after another,
//! and whose entry has run out meanwhile is **missed** for as long before it counts as gone.
//!
//! Suspicion decides only who tries to own an area; the log decides who does.

mod measured;
mod takings;

use std::collections::BTreeMap;
use std::time::Duration;

use schemas::control::{Duty, Heartbeat, Member, WorkerControl};
use schemas::{AreaId, WorkerId};
use tokio::time::Instant;

use crate::plan::{Candidate, Load, Standing};
use measured::Measured;
use takings::Takings;

/// The exemption after the first false alarm.
const FIRST_EXEMPTION: Duration = Duration::from_secs(1);
/// The longest exemption.
const LONGEST_EXEMPTION: Duration = Duration::from_secs(64);
/// A heartbeat so recent proves that heartbeats reach us: they come every 100 ms.
const PROOF: Duration = Duration::from_millis(150);

/// A frame that has been on its way for so long hangs; then its worker says so.
const HANGS: Duration = Duration::from_secs(1);

/// For so long all are trusted after an outage: connections are tried again several times a second,
/// entries are written every second.
const TRUST: Duration = Duration::from_secs(2);

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
    /// Silent for a moment, while others are heard.
    Suspected(WorkerId),
    /// Its frames hang, while others' are taken.
    Stuck(WorkerId),
    /// Heard again, or its frames are taken; not suspected for so long.
    FalseAlarm(WorkerId, Duration),
    /// Silent for as long as its entry lives, or its entry was taken away.
    Gone(WorkerId),
    /// Nobody is heard.
    Silence,
    /// Somebody is heard again, after so long.
    Heard(Duration),
    /// Frames hang, and none are taken.
    Standstill,
    /// Frames are taken again, or none hangs any more; after so long.
    Taking(Duration),
}

/// The workers that are announced.
#[derive(Debug)]
pub struct Fleet {
    patience: Patience,
    seen: BTreeMap<WorkerId, Seen>,
    duties: BTreeMap<WorkerId, WorkerControl>,
    measured: Measured,
    takings: Takings,
    /// Since when frames hang and none are taken.
    standstill: Option<Instant>,
    /// When anybody was last heard.
    heard: Instant,
    /// Nobody has been heard for as long as makes one suspected.
    silence: bool,
    trusting_until: Option<Instant>,
}

#[derive(Debug)]
struct Seen {
    member: Member,
    /// Its last heartbeat.
    heard: Instant,
    /// Its last entry.
    announced: Instant,
    /// When its oldest frame set out that hangs.
    hangs: Option<Instant>,
    suspected: bool,
    /// Silent, or with frames that hang, with nothing to show that it is the only one.
    quiet: bool,
    /// Its entry is not there, and until then that may be the broker's fault.
    missed_until: Option<Instant>,
    exempt_until: Option<Instant>,
    exemption: Duration,
    late: Duration,
}

impl Fleet {
    /// An empty one.
    #[must_use]
    pub const fn new(patience: Patience, now: Instant) -> Self {
        Self {
            patience,
            seen: BTreeMap::new(),
            duties: BTreeMap::new(),
            measured: Measured::new(),
            takings: Takings::new(),
            standstill: None,
            heard: now,
            silence: false,
            trusting_until: None,
        }
    }

    /// A placement names this worker; until it is announced it is missed for a while.
    pub fn expected(&mut self, worker: &str, now: Instant) {
        if self.seen.contains_key(worker) {
            return;
        }
        let member = Member {
            worker: worker.to_owned(),
            ..Member::default()
        };
        let seen = Seen {
            missed_until: Some(now + TRUST),
            ..Seen::new(member, now)
        };
        self.seen.insert(worker.to_owned(), seen);
    }

    /// A worker has written its entry.
    pub fn announced(&mut self, member: Member, now: Instant) -> Option<Change> {
        self.measured.announced(&member, now);
        let name = member.worker.clone();
        match self.seen.get_mut(&name) {
            Some(seen) if seen.member.life == member.life => {
                seen.member = member;
                seen.missed_until = None;
                seen.announced = now;
                None
            }
            // A new life of the name begins without a record.
            _ => {
                self.takings.forget(&name);
                self.seen.insert(name.clone(), Seen::new(member, now));
                Some(Change::Joined(name))
            }
        }
    }

    /// A heartbeat came; one of a worker or a life that is not announced says nothing.
    pub fn heard(&mut self, beat: &Heartbeat, now: Instant) -> Vec<Change> {
        let mut changes = self.anybody_heard(now);
        if let Some(seen) = self.seen.get_mut(&beat.worker)
            && seen.member.life == beat.life
        {
            seen.late = Duration::from_millis(u64::from(beat.late_ms));
            changes.extend(seen.hear(beat, now));
            let taken = beat.taken_ms.map(|ms| ago(ms, now));
            self.takings.said(&beat.worker, taken);
        }
        changes
    }

    /// Ends a silence: whoever was silent in it may have been so for the same reason.
    fn anybody_heard(&mut self, now: Instant) -> Vec<Change> {
        let silent = now.saturating_duration_since(self.heard);
        self.heard = now;
        if silent < self.patience.suspect {
            return Vec::new();
        }
        self.trusting_until = Some(now + TRUST);
        for seen in self.seen.values_mut().filter(|seen| !seen.suspected) {
            seen.heard = now;
        }
        if std::mem::take(&mut self.silence) {
            vec![Change::Heard(silent)]
        } else {
            Vec::new()
        }
    }

    /// A worker's entry was taken away: it left, or the broker saw it expire.
    pub fn left(&mut self, worker: &str, now: Instant) -> Option<Change> {
        let doubtful = self.silence || self.trusts(now);
        if let Some(seen) = self.seen.get_mut(worker)
            && doubtful
            && !seen.member.draining
        {
            seen.missed_until = Some(now + TRUST);
            return None;
        }
        self.takings.forget(worker);
        let left = self.seen.remove(worker);
        left.map(|_| Change::Gone(worker.to_owned()))
    }

    /// Somebody's duty was set, for whichever life.
    pub fn duty(&mut self, worker: WorkerId, duty: WorkerControl) {
        self.duties.insert(worker, duty);
    }

    fn trusts(&self, now: Instant) -> bool {
        self.trusting_until.is_some_and(|until| now < until)
    }

    /// Judges everybody's silence.
    pub fn judge(&mut self, now: Instant) -> Vec<Change> {
        let Patience { suspect, gone, .. } = self.patience;
        let mut changes = Vec::new();
        let unheard = now.saturating_duration_since(self.heard);
        if unheard >= suspect && !self.silence && !self.seen.is_empty() {
            self.silence = true;
            changes.push(Change::Silence);
        }
        // What is silent while heartbeats reach us is silent by itself.
        let certain = unheard < PROOF && !self.trusts(now);
        let takings = &mut self.takings;
        self.seen.retain(|name, seen| {
            let since = |then| now.saturating_duration_since(then);
            let silence = since(seen.heard);
            let missed = seen.missed_until.is_some_and(|until| now >= until);
            if missed || (certain && silence.min(since(seen.announced)) >= gone) {
                takings.forget(name);
                changes.push(Change::Gone(name.clone()));
                return false;
            }
            let silent = silence >= suspect;
            seen.quiet = silent || seen.hangs.is_some();
            let hanging = seen.hangs.filter(|hangs| since(*hangs) >= HANGS + suspect);
            let ill = hanging.is_some_and(|hangs| takings.condemn(hangs, now));
            let exempt = seen.exempt_until.is_some_and(|until| now < until);
            let may_be = !exempt && !seen.suspected && seen.missed_until.is_none();
            if (silent || ill) && certain && may_be {
                seen.suspected = true;
                let name = name.clone();
                changes.push(if silent {
                    Change::Suspected(name)
                } else {
                    Change::Stuck(name)
                });
            }
            true
        });
        changes.extend(self.judge_the_log(now));
        self.measured.forget(now);
        changes
    }

    /// Tells when the log begins to stand still, and when that is over.
    fn judge_the_log(&mut self, now: Instant) -> Option<Change> {
        let long = HANGS + self.patience.suspect;
        let hangs = |seen: &Seen| seen.hangs.is_some_and(|since| now >= since + long);
        let stands = self.seen.values().any(hangs) && !self.takings.go_on(now);
        match (stands, self.standstill) {
            (true, None) => {
                self.standstill = Some(now);
                Some(Change::Standstill)
            }
            (false, Some(since)) => {
                self.standstill = None;
                Some(Change::Taking(now.saturating_duration_since(since)))
            }
            _ => None,
        }
    }

    /// What the plan may do with each of them.
    #[must_use]
    pub fn candidates(&self) -> Vec<Candidate> {
        let candidate = |seen: &Seen| Candidate {
            worker: seen.member.worker.clone(),
            capacity: seen.member.capacity,
            standing: self.standing(seen),
        };
        self.seen.values().map(candidate).collect()
    }

    fn standing(&self, seen: &Seen) -> Standing {
        let Seen { member, .. } = seen;
        let duty = self.duties.get(&member.worker);
        let duty = duty.map_or(Duty::Serve, |duty| duty.duty_of(member.life));
        if seen.suspected {
            Standing::Suspected
        } else if member.draining || duty == Duty::Drain {
            Standing::Draining
        } else if duty == Duty::Cordon {
            Standing::Cordoned
        } else if seen.quiet || seen.missed_until.is_some() || seen.late >= self.patience.late {
            Standing::Watched
        } else {
            Standing::Serving
        }
    }

    /// The workers' entries, each with what may be done with it, by name.
    pub fn members(&self) -> impl Iterator<Item = (&Member, Standing)> {
        let seen = self.seen.values();
        seen.map(|seen| (&seen.member, self.standing(seen)))
    }

    /// Whether a worker of that name is there, whatever may be done with it.
    #[must_use]
    pub fn has(&self, worker: &str) -> bool {
        self.seen.contains_key(worker)
    }

    /// What each area takes, as its owner has said of late.
    #[must_use]
    pub fn load(&self) -> BTreeMap<AreaId, Load> {
        self.measured.loads()
    }

    /// How many bodies are in each area that is awake.
    #[must_use]
    pub fn population(&self) -> BTreeMap<AreaId, u32> {
        let mut bodies = BTreeMap::new();
        for (area, count) in self.seen.values().flat_map(|seen| &seen.member.population) {
            let most: &mut u32 = bodies.entry(area.clone()).or_default();
            *most = (*most).max(*count);
        }
        bodies
    }

    /// Whether `worker` says that it owns `area`.
    #[must_use]
    pub fn owns(&self, worker: &str, area: &AreaId) -> bool {
        let seen = self.seen.get(worker);
        seen.is_some_and(|seen| seen.member.areas.iter().any(|(owned, _)| owned == area))
    }

    /// Whether anybody says that it owns `area`.
    #[must_use]
    pub fn is_owned(&self, area: &AreaId) -> bool {
        self.seen.keys().any(|worker| self.owns(worker, area))
    }

    /// The areas that their owners have put into quarantine.
    pub fn quarantined(&self) -> impl Iterator<Item = &AreaId> {
        let members = self.seen.values();
        members.flat_map(|seen| &seen.member.quarantined)
    }
}

impl Seen {
    const fn new(member: Member, now: Instant) -> Self {
        Self {
            member,
            heard: now,
            announced: now,
            hangs: None,
            suspected: false,
            quiet: false,
            missed_until: None,
            exempt_until: None,
            exemption: FIRST_EXEMPTION,
            late: Duration::ZERO,
        }
    }

    /// Notes a sign of life; tells when that ends a suspicion. One with frames that hang does not.
    fn hear(&mut self, beat: &Heartbeat, now: Instant) -> Option<Change> {
        self.heard = now;
        self.hangs = beat.is_stuck().then(|| ago(beat.stuck_ms, now));
        self.quiet = beat.is_stuck();
        if beat.is_stuck() || !std::mem::take(&mut self.suspected) {
            return None;
        }
        let exempt = self.exemption;
        self.exempt_until = Some(now + exempt);
        self.exemption = (exempt * 2).min(LONGEST_EXEMPTION);
        Some(Change::FalseAlarm(beat.worker.clone(), exempt))
    }
}

/// So many ms before `now`; if this machine's clock does not reach back so far, now.
fn ago(ms: u32, now: Instant) -> Instant {
    let then = now.checked_sub(Duration::from_millis(u64::from(ms)));
    then.unwrap_or(now)
}

#[cfg(test)]
mod tests;
