//! All processes of a run, and what is done to them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ambient::simulation::Process;
use eventlog::simulation::Network;
use tokio::time::{Instant, sleep_until};

use crate::gate::Play;
use crate::part::{Part, fair, storm};
use crate::schedule::{Action, Moment, Role, Schedule};

/// What the clocks show at the beginning: some day in 2025.
pub(crate) const WALL: Duration = Duration::from_secs(1_750_000_000);
/// After this time a process that ended by itself is started again.
const AGAIN: Duration = Duration::from_millis(500);

/// What is still to be done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Kill(Role),
    Start(Role),
    Resume(Role),
    Fair(Role),
}

/// All processes of a run.
pub(crate) struct Realm {
    pub(crate) network: Network,
    chance: Process,
    began: Instant,
    parts: BTreeMap<Role, Part>,
    due: Vec<(Instant, Due)>,
    /// Moments that are waited for, with how long after them the owner is killed and comes back.
    armed: Vec<(Moment, u64, Duration)>,
    play: Arc<Play>,
    /// Processes that ended by themselves, for the report.
    pub(crate) fell: Vec<Role>,
}

impl Realm {
    /// The broker and everybody who is there at the beginning. `chance` is the process whose seed decides.
    pub(crate) fn start(
        schedule: &Schedule,
        chance: &Process,
        network: &Network,
        play: &Arc<Play>,
    ) -> Self {
        let mut realm = Self {
            network: network.clone(),
            chance: chance.clone(),
            began: Instant::now(),
            parts: BTreeMap::new(),
            due: Vec::new(),
            armed: Vec::new(),
            play: Arc::clone(play),
            fell: Vec::new(),
        };
        schedule
            .roles()
            .into_iter()
            .for_each(|role| realm.begin(role));
        realm
    }

    fn begin(&mut self, role: Role) {
        if self.parts.get(&role).is_some_and(|part| !part.is_over()) {
            return;
        }
        let wall = WALL + self.began.elapsed();
        let seed = self.chance.draw();
        let part = Part::start(role, &self.network, seed, wall, &self.play);
        self.parts.insert(role, part);
    }

    /// Lets time pass until `until`, doing what is due meanwhile.
    pub(crate) async fn pass(&mut self, until: Instant) {
        loop {
            let next = self.due.iter().map(|(at, _)| *at).min();
            let next = next.filter(|at| *at <= until);
            let look = Instant::now() + AGAIN;
            let whereabouts = &self.play.whereabouts;
            tokio::select! {
                biased;
                () = whereabouts.moment.notified() => {
                    self.moments();
                    continue;
                }
                () = sleep_until(next.unwrap_or(until).min(look)) => {}
            }
            self.what_is_due();
            self.start_the_fallen();
            if next.is_none() && Instant::now() >= until {
                return;
            }
        }
    }

    /// What has happened may be what was waited for.
    fn moments(&mut self) {
        let moments = std::mem::take(&mut self.play.whereabouts.known().moments);
        for (moment, owner) in moments {
            let waited = self.armed.iter().position(|(armed, ..)| *armed == moment);
            let role = self.parts.keys().find(|role| role.to_string() == owner);
            if let (Some(waited), Some(role)) = (waited, role.copied()) {
                let (_, after, back) = self.armed.remove(waited);
                let after = Duration::from_millis(after);
                self.later(after, Due::Kill(role));
                self.later(after + back, Due::Start(role));
            }
        }
    }

    fn what_is_due(&mut self) {
        let now = Instant::now();
        let (mut due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.due)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        self.due = later;
        due.sort();
        for (_, due) in due {
            match due {
                Due::Kill(role) => self.with(role, Part::kill),
                Due::Start(role) => self.begin(role),
                Due::Resume(role) => self.with(role, |part| part.process.resume()),
                Due::Fair(role) => self.with(role, |part| part.link.weather(fair())),
            }
        }
    }

    /// Whoever ended without being killed is started again, as by what watches over processes.
    fn start_the_fallen(&mut self) {
        let started_later = |role: &Role| self.due.iter().any(|(_, due)| *due == Due::Start(*role));
        let fallen: Vec<Role> = self
            .parts
            .iter()
            .filter(|(role, part)| part.is_over() && !started_later(role))
            .map(|(role, _)| *role)
            .collect();
        for role in fallen {
            self.fell.push(role);
            self.begin(role);
        }
    }

    fn with(&self, role: Role, act: impl FnOnce(&Part)) {
        if let Some(part) = self.parts.get(&role) {
            act(part);
        }
    }

    fn later(&mut self, after: Duration, due: Due) {
        self.due.push((Instant::now() + after, due));
    }

    /// Does it.
    pub(crate) fn act(&mut self, action: &Action) {
        match *action {
            Action::Kill(role, back) => {
                self.with(role, Part::kill);
                self.later(back, Due::Start(role));
            }
            Action::KillAt(moment, after, back) => self.armed.push((moment, after, back)),
            Action::Pause(role, time) => {
                self.with(role, |part| part.process.pause());
                self.later(time, Due::Resume(role));
            }
            Action::Cut(role, time, loses) => self.with(role, |part| part.link.cut(time, loses)),
            Action::Storm(role, time) => {
                self.with(role, |part| part.link.weather(storm()));
                self.later(time, Due::Fair(role));
            }
            Action::Stall(time) => self.network.stall(time),
            Action::Leaderless(time) => self.network.leaderless(time),
            // Who has ended is started again anyhow; who takes long is not waited for.
            Action::Drain(role, _) => self.with(role, |part| part.shutdown.begin()),
            Action::Join(worker) => self.begin(Role::Worker(worker)),
            Action::Clock(role, by) => self.with(role, |part| part.process.shift_clock(by)),
        }
    }

    /// No more harm: everybody runs, and the weather is fair.
    pub(crate) async fn heal(&mut self) {
        self.armed.clear();
        let last = self.due.iter().map(|(at, _)| *at).max();
        self.pass(last.unwrap_or_else(Instant::now)).await;
        for part in self.parts.values() {
            part.process.resume();
            part.link.weather(eventlog::simulation::Weather::fair());
        }
    }
}
