//! A fleet that does what it is told, with the delays of real ones: workers take time to come, to
//! hand over and to go, and may come back in another life.

use std::time::Duration;

use tokio::time::Instant;

use crate::plan::Standing;
use crate::scale::policy::{Action, Decision, Policy, member_name};
use crate::scale::{Config, Size, View, Worker};

const BEAT: Duration = Duration::from_millis(100);

pub(super) struct Plant {
    pub(super) config: Config,
    pub(super) policy: Policy,
    pub(super) now: Instant,
    pub(super) load: u32,
    pub(super) areas: usize,
    pub(super) wanted: u32,
    /// Those who are not of the fleet.
    pub(super) others: Vec<Worker>,
    members: Vec<Member>,
    /// How long a worker takes to come.
    pub(super) start: Duration,
    /// How long it takes to hand everything over.
    pub(super) hand_over: Duration,
    /// Whether one that has handed over ends and comes back, as in a `StatefulSet`.
    pub(super) comes_back: bool,
    lives: u64,
    /// How often the director asks.
    pub(super) beat: Duration,
    /// Changes of the number, and orders to drain, when they happened.
    pub(super) steps: Vec<(Instant, Action)>,
}

struct Member {
    life: u64,
    there_at: Instant,
    empty_at: Option<Instant>,
    pub(super) standing: Standing,
}

impl Plant {
    pub(super) fn new(config: Config, wanted: u32) -> Self {
        let now = Instant::now();
        let mut plant = Self {
            policy: Policy::new(config.clone()),
            config,
            now,
            load: 0,
            areas: 10,
            wanted: 0,
            others: Vec::new(),
            members: Vec::new(),
            start: Duration::ZERO,
            hand_over: Duration::from_secs(1),
            comes_back: false,
            lives: 0,
            steps: Vec::new(),
            beat: BEAT,
        };
        plant.scale(wanted);
        plant
    }

    fn scale(&mut self, wanted: u32) {
        self.wanted = wanted;
        self.members.truncate(wanted as usize);
        while self.members.len() < wanted as usize {
            let member = self.newborn();
            self.members.push(member);
        }
    }

    fn newborn(&mut self) -> Member {
        self.lives += 1;
        Member {
            life: self.lives,
            there_at: self.now + self.start,
            empty_at: None,
            standing: Standing::Serving,
        }
    }

    pub(super) fn stands(&mut self, number: usize, standing: Standing) {
        self.members[number].standing = standing;
    }

    /// What the director knows: all that is carried is shared by those who keep it.
    pub(super) fn view(&self) -> View {
        let there = self.members.iter().enumerate();
        let there = there.filter(|(_, member)| member.there_at <= self.now);
        let mut workers: Vec<Worker> = there
            .map(|(number, member)| Worker {
                name: member_name(&self.config.name, u32::try_from(number).unwrap()),
                life: member.life,
                standing: member.standing,
                capacity: 100,
                areas: usize::from(member.empty_at.is_some_and(|at| at > self.now)),
                load: 0,
                population: 0,
            })
            .collect();
        workers.extend(self.others.iter().cloned());
        let carriers = workers
            .iter()
            .filter(|worker| worker.standing.keeps())
            .count();
        let mut homeless = 0;
        if carriers == 0 {
            homeless = self.areas;
        } else {
            let keeping = workers.iter_mut().filter(|worker| worker.standing.keeps());
            for (at, worker) in keeping.enumerate() {
                let share = |whole: usize| whole / carriers + usize::from(at < whole % carriers);
                worker.areas = share(self.areas);
                worker.load = u32::try_from(share(self.load as usize)).unwrap();
            }
        }
        View { workers, homeless }
    }

    /// One beat: what was decided is done.
    pub(super) fn beat(&mut self) -> Decision {
        self.now += self.beat;
        if self.comes_back {
            for number in 0..self.members.len() {
                if self.members[number]
                    .empty_at
                    .is_some_and(|at| at + self.beat * 3 <= self.now)
                {
                    self.members[number] = self.newborn();
                }
            }
        }
        let size = Size {
            wanted: self.wanted,
            actual: self.wanted,
            version: String::new(),
        };
        let decision = self.policy.decide(&self.view(), &size, self.now);
        match &decision.action {
            Action::Rest => return decision,
            Action::Up { to } | Action::Down { to } => {
                self.scale(*to);
                self.policy.changed(self.now);
            }
            Action::Drain { worker, life } => {
                let empty_at = self.now + self.hand_over;
                let number = worker.rsplit_once('-').unwrap().1.parse::<usize>().unwrap();
                let member = &mut self.members[number];
                assert_eq!(member.life, *life, "it is the life that is there");
                member.standing = Standing::Draining;
                member.empty_at = Some(empty_at);
            }
        }
        self.steps.push((self.now, decision.action.clone()));
        decision
    }

    /// So long, asking at every beat.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.beat();
        }
    }

    /// The actions, without their times.
    pub(super) fn actions(&self) -> Vec<Action> {
        self.steps
            .iter()
            .map(|(_, action)| action.clone())
            .collect()
    }
}
