//! Where a run happens: a stack with names that a schedule can rely on.

use std::collections::BTreeSet;
use std::time::Instant;

use bots::Address;

use super::catalogue::{Fault, Hits};
use crate::Stack;
use crate::stack::Plan;

/// How many of each role there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// `w1`, `w2`, …
    pub workers: u32,
    /// `edge-1`, `edge-2`, …
    pub edges: u32,
    /// `director`, `director-2`, …: one leads, the others stand by.
    pub directors: u32,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            workers: 3,
            edges: 2,
            directors: 2,
        }
    }
}

impl Layout {
    /// The workers' names.
    #[must_use]
    pub fn worker_names(&self) -> Vec<String> {
        (1..=self.workers).map(|n| format!("w{n}")).collect()
    }

    /// The edges' names.
    #[must_use]
    pub fn edge_names(&self) -> Vec<String> {
        (1..=self.edges).map(|n| format!("edge-{n}")).collect()
    }

    /// The directors' names.
    #[must_use]
    pub fn director_names(&self) -> Vec<String> {
        let later = (2..=self.directors).map(|n| format!("director-{n}"));
        std::iter::once("director".to_owned())
            .chain(later)
            .collect()
    }

    /// Everybody that a fault can hit.
    #[must_use]
    pub fn of(&self, hits: Hits) -> Vec<String> {
        let one = |name: &str| vec![name.to_owned()];
        match hits {
            Hits::Worker => self.worker_names(),
            Hits::Edge => self.edge_names(),
            Hits::Director => self.director_names(),
            Hits::Lobby => one("lobby"),
            Hits::Identity => one("identity"),
            Hits::Projector => one("projector"),
            Hits::Broker => one("broker"),
            Hits::Postgres => one("postgres"),
            Hits::AllWorkers => one("workers"),
            Hits::Cluster => one("cluster"),
        }
    }
}

/// A stack that is about to be harmed.
pub struct Ground {
    /// The stack.
    pub stack: Stack,
    /// Who is there.
    pub layout: Layout,
    /// When the play began.
    pub begun: Instant,
    /// Which node of three brokers is down.
    pub struck_node: Option<usize>,
    /// Who was asked to leave and may still be about it.
    leaving: BTreeSet<String>,
}

impl Ground {
    /// Starts everything that these faults need; every role gets these environment variables.
    ///
    /// # Errors
    /// When anything of it does not start.
    pub async fn prepare(
        binary: &str,
        layout: Layout,
        variables: &[(String, String)],
        faults: &[&'static dyn Fault],
    ) -> anyhow::Result<Self> {
        let cluster = faults
            .iter()
            .any(|fault| fault.card().hits == Hits::Cluster);
        let plan = Plan {
            wired: !cluster,
            variables: variables.to_vec(),
            disk: faults.iter().find_map(|fault| fault.disk()),
            cluster,
        };
        let mut stack = Stack::planned(binary, plan).await?;
        for name in layout.edge_names().iter().skip(1) {
            stack.start_edge(name, &[]).await?;
        }
        for name in layout.director_names().iter().skip(1) {
            stack.start_role(name, &["director"], &[])?;
        }
        for name in layout.worker_names() {
            stack.start_worker(&name, None)?;
        }
        Ok(Self {
            stack,
            layout,
            begun: Instant::now(),
            struck_node: None,
            leaving: BTreeSet::new(),
        })
    }

    /// Where the edges listen.
    #[must_use]
    pub fn edges(&self) -> Vec<Address> {
        let names = self.layout.edge_names();
        names
            .iter()
            .map(|name| self.stack.edge(name).clone())
            .collect()
    }

    /// It was asked to leave; whoever mends it waits until it has.
    pub fn is_leaving(&mut self, name: &str) {
        self.leaving.insert(name.to_owned());
    }

    /// Waits until a role that was asked to leave has, then starts it again.
    ///
    /// # Errors
    /// When it does not end in time, or cannot be started.
    pub async fn replace(&mut self, name: &str) -> anyhow::Result<()> {
        if self.leaving.remove(name) {
            self.stack.role(name).ended().await?;
        }
        self.revive(name)
    }

    /// Starts a role again unless it runs.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn revive(&mut self, name: &str) -> anyhow::Result<()> {
        if self.stack.role(name).is_running() {
            return Ok(());
        }
        self.stack.start_again(name)
    }
}
