//! What is done to whom, and when.

use std::fmt;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

/// A process of the simulated realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Owns areas.
    Worker(u8),
    /// Places them.
    Director(u8),
    /// Keeps who is not in the world.
    Lobby(u8),
    /// A small edge: sends players' commands.
    Gate,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(n) => write!(f, "worker-{n}"),
            Self::Director(n) => write!(f, "director-{n}"),
            Self::Lobby(n) => write!(f, "lobby-{n}"),
            Self::Gate => f.write_str("gate"),
        }
    }
}

/// A moment in an area's life at which a death of its owner is worst: the frame is stored, and its owner has not
/// heard of it or has done nothing yet of what it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The area was taken.
    Owned,
    /// A character came.
    Arrived,
    /// Something was sent to another aggregate.
    Sent,
    /// The area was let go, or went to sleep.
    LetGo,
}

/// Something that is done to the realm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ends a process where it stands; another of its name starts after the time.
    Kill(Role, Duration),
    /// At the next such moment, and so many milliseconds later, the owner of that area is killed; another of
    /// its name starts after the time.
    KillAt(Moment, u64, Duration),
    /// Stops polling a process for the time.
    Pause(Role, Duration),
    /// Cuts a process off for the time; what it sends meanwhile is lost, or arrives afterwards.
    Cut(Role, Duration, bool),
    /// Bad weather on a process's link for the time.
    Storm(Role, Duration),
    /// Nothing comes out of the broker for the time.
    Stall(Duration),
    /// No stream has a leader for the time.
    Leaderless(Duration),
    /// Asks a process to end in order; another of its name starts after the time.
    Drain(Role, Duration),
    /// A further worker starts.
    Join(u8),
    /// Moves a process's wall clock, by so many milliseconds.
    Clock(Role, i64),
}

/// When something is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// After the beginning.
    pub at: Duration,
    /// What.
    pub action: Action,
}

/// A whole run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// From which everything is drawn.
    pub seed: u64,
    /// For how long harm is done and players play.
    pub length: Duration,
    /// Workers at the beginning.
    pub workers: u8,
    /// Directors.
    pub directors: u8,
    /// Lobbies.
    pub lobbies: u8,
    /// Players.
    pub players: u8,
    /// The harm, by time.
    pub steps: Vec<Step>,
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl Schedule {
    /// The schedule of `seed`.
    #[must_use]
    pub fn draw(seed: u64) -> Self {
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut schedule = Self {
            seed,
            length: ms(chance.random_range(8_000..16_000)),
            workers: chance.random_range(1..=3),
            directors: chance.random_range(1..=2),
            lobbies: chance.random_range(1..=2),
            players: chance.random_range(1..=4),
            steps: Vec::new(),
        };
        let count = chance.random_range(1..=6);
        let mut joined = schedule.workers;
        let mut steps: Vec<Step> = (0..count)
            .map(|_| {
                let latest = u64::try_from(schedule.length.as_millis()).unwrap_or(u64::MAX);
                let at = ms(chance.random_range(1_500..latest - 1_000));
                let action = schedule.action(&mut chance, &mut joined);
                Step { at, action }
            })
            .collect();
        steps.sort_by_key(|step| step.at);
        schedule.steps = steps;
        schedule
    }

    /// Everybody who is there at the beginning.
    pub(crate) fn roles(&self) -> Vec<Role> {
        let directors = (0..self.directors).map(Role::Director);
        let lobbies = (0..self.lobbies).map(Role::Lobby);
        let workers = (0..self.workers).map(Role::Worker);
        directors
            .chain(lobbies)
            .chain(workers)
            .chain([Role::Gate])
            .collect()
    }

    fn action(&self, chance: &mut Xoshiro256PlusPlus, joined: &mut u8) -> Action {
        // Workers are what it is about.
        let role = if chance.random_bool(0.6) {
            Role::Worker(chance.random_range(0..self.workers))
        } else {
            self.roles().choose(chance).copied().unwrap_or(Role::Gate)
        };
        let short = ms(chance.random_range(50..1_500));
        let long = ms(chance.random_range(300..5_000));
        match chance.random_range(0..100) {
            0..12 => Action::Kill(role, short),
            12..25 => {
                let moments = [Moment::Owned, Moment::Arrived, Moment::Sent, Moment::LetGo];
                let moment = moments.choose(chance).copied().unwrap_or(Moment::Sent);
                Action::KillAt(moment, chance.random_range(0..4), short)
            }
            25..43 => Action::Pause(role, long),
            43..61 => Action::Cut(role, long, chance.random_bool(0.5)),
            61..73 => Action::Storm(role, long),
            73..78 => Action::Stall(short),
            78..83 => Action::Leaderless(long),
            83..91 => Action::Drain(role, short),
            91..95 if *joined < 5 => {
                *joined += 1;
                Action::Join(*joined - 1)
            }
            _ => Action::Clock(role, chance.random_range(-3_000..3_000)),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6} ms  ", self.at.as_millis())?;
        match &self.action {
            Action::Kill(role, back) => write!(f, "kill {role}, back after {back:?}"),
            Action::KillAt(moment, after, back) => {
                write!(
                    f,
                    "kill the owner {after} ms after {moment:?}, back after {back:?}"
                )
            }
            Action::Pause(role, time) => write!(f, "pause {role} for {time:?}"),
            Action::Cut(role, time, true) => write!(f, "cut {role} off for {time:?}, losing"),
            Action::Cut(role, time, false) => write!(f, "cut {role} off for {time:?}, delaying"),
            Action::Storm(role, time) => write!(f, "bad weather at {role} for {time:?}"),
            Action::Stall(time) => write!(f, "stall the broker for {time:?}"),
            Action::Leaderless(time) => write!(f, "no leader for {time:?}"),
            Action::Drain(role, back) => write!(f, "drain {role}, back after {back:?}"),
            Action::Join(worker) => write!(f, "start worker-{worker}"),
            Action::Clock(role, by) => write!(f, "move the clock of {role} by {by} ms"),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {}: {} workers, {} directors, {} lobbies, {} players, {:?}",
            self.seed, self.workers, self.directors, self.lobbies, self.players, self.length
        )?;
        self.steps.iter().try_for_each(|step| writeln!(f, "{step}"))
    }
}
