//! What a fault is, and all that there are.

use async_trait::async_trait;

use super::ground::Ground;
use super::kinds::{
    BrokerKill, BrokerPause, BrokerRestart, ClockJump, CommandsFull, DiskFull, Drain, Kill, Leader,
    Link, Pause, PostgresKill, PostgresPause, PostgresStop, RollingRestart, SlowAcks, Terminate,
    Trap,
};

/// Whom a fault can hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hits {
    /// One of the workers.
    Worker,
    /// One of the edges.
    Edge,
    /// One of the directors.
    Director,
    /// The lobby.
    Lobby,
    /// The identity service.
    Identity,
    /// The projector.
    Projector,
    /// The broker.
    Broker,
    /// The database.
    Postgres,
    /// All workers, one after the other.
    AllWorkers,
    /// One of three brokers.
    Cluster,
}

/// Whose sockets may be lost to a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sockets {
    /// Nobody's.
    Stay,
    /// Those of the edge that it hits.
    OfTarget,
    /// Everybody's.
    All,
}

/// What a schedule has to know of a fault.
#[derive(Debug, Clone, Copy)]
pub struct Card {
    /// For schedules and `--only`.
    pub name: &'static str,
    /// One line for people.
    pub about: &'static str,
    /// Whom it can hit.
    pub hits: Hits,
    /// From how many to how many ms it lasts.
    pub lasts: (u64, u64),
    /// Whose sockets may be lost to it.
    pub sockets: Sockets,
    /// Whether somebody's orderly end is waited for, which takes a broker that answers.
    pub orderly: bool,
    /// Whether it is drawn unless asked for.
    pub by_default: bool,
}

impl Card {
    /// One that is drawn, and to which no socket is lost.
    #[must_use]
    pub const fn new(
        name: &'static str,
        about: &'static str,
        hits: Hits,
        lasts: (u64, u64),
    ) -> Self {
        Self {
            name,
            about,
            hits,
            lasts,
            sockets: Sockets::Stay,
            orderly: false,
            by_default: true,
        }
    }

    /// Of a process that is gone for a while: an edge takes its sockets with it.
    #[must_use]
    pub const fn of_a_process(
        name: &'static str,
        about: &'static str,
        hits: Hits,
        lasts: (u64, u64),
    ) -> Self {
        let card = Self::new(name, about, hits, lasts);
        match hits {
            Hits::Edge => card.losing(Sockets::OfTarget),
            _ => card,
        }
    }

    /// Whose sockets may be lost to it.
    #[must_use]
    pub const fn losing(mut self, sockets: Sockets) -> Self {
        self.sockets = sockets;
        self
    }

    /// Waits for somebody's orderly end, and nothing else is done meanwhile, nor is anything mended.
    #[must_use]
    pub const fn orderly(mut self) -> Self {
        self.orderly = true;
        self
    }

    /// Drawn only when it is asked for.
    #[must_use]
    pub const fn when_named(mut self) -> Self {
        self.by_default = false;
        self
    }
}

/// Something that breaks and is mended.
#[async_trait]
pub trait Fault: Sync + Send {
    /// What a schedule has to know of it.
    fn card(&self) -> Card;

    /// What this machine lacks for it.
    ///
    /// # Errors
    /// A sentence for people.
    fn possible(&self) -> Result<(), String> {
        Ok(())
    }

    /// How large the disk must be on which the broker keeps its streams, bytes; `None`: as it is.
    fn disk(&self) -> Option<u64> {
        None
    }

    /// Breaks it.
    ///
    /// # Errors
    /// When it cannot be broken: the run is no proof then.
    async fn strike(&self, ground: &mut Ground, target: &str) -> anyhow::Result<()>;

    /// Mends it. At the end of a run everything is mended, whether or not it was broken.
    ///
    /// # Errors
    /// When it cannot be mended.
    async fn heal(&self, ground: &mut Ground, target: &str) -> anyhow::Result<()>;
}

/// All of them.
pub static ALL: [&dyn Fault; 46] = [
    &Kill::WORKER,
    &Kill::EDGE,
    &Kill::DIRECTOR,
    &Kill::LOBBY,
    &Kill::IDENTITY,
    &Kill::PROJECTOR,
    &Trap,
    &Pause::WORKER,
    &Pause::EDGE,
    &Pause::DIRECTOR,
    &Pause::LOBBY,
    &Pause::PROJECTOR,
    &Link::WORKER_CUT,
    &Link::WORKER_SILENT,
    &Link::WORKER_DEAF,
    &Link::WORKER_HOLE,
    &Link::WORKER_LATE,
    &Link::EDGE_CUT,
    &Link::EDGE_SILENT,
    &Link::EDGE_DEAF,
    &Link::EDGE_HOLE,
    &Link::EDGE_LATE,
    &Link::DIRECTOR_CUT,
    &Link::LOBBY_CUT,
    &Link::LOBBY_DEAF,
    &Link::IDENTITY_CUT,
    &Link::PROJECTOR_CUT,
    &Link::PROJECTOR_DEAF,
    &BrokerKill,
    &BrokerRestart,
    &BrokerPause,
    &SlowAcks,
    &PostgresKill,
    &PostgresStop,
    &PostgresPause,
    &Terminate::WORKER,
    &Terminate::EDGE,
    &Drain,
    &RollingRestart,
    &ClockJump,
    &DiskFull,
    &CommandsFull,
    &Leader::KILL,
    &Leader::PAUSE,
    &Leader::LAME_DUCK,
    &Leader::STEP_DOWN,
];

/// The fault of that name.
///
/// # Errors
/// When there is none; names those there are.
pub fn by_name(name: &str) -> anyhow::Result<&'static dyn Fault> {
    let found = ALL.iter().find(|fault| fault.card().name == name);
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = ALL.iter().map(|fault| fault.card().name).collect();
        anyhow::anyhow!("there is no fault `{name}`; there are {}", names.join(" "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_name_of_its_own_and_is_found_by_it() -> anyhow::Result<()> {
        for fault in ALL {
            let namesakes = ALL
                .iter()
                .filter(|other| other.card().name == fault.card().name);
            assert_eq!(namesakes.count(), 1, "{}", fault.card().name);
            assert_eq!(by_name(fault.card().name)?.card().name, fault.card().name);
            let (shortest, longest) = fault.card().lasts;
            assert!(shortest <= longest, "{}", fault.card().name);
        }
        assert!(by_name("rain").is_err());
        Ok(())
    }
}
