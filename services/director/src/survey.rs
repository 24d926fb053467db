//! How things stand, gathered from outside by an operator's tool: it reads what the director reads,
//! listens for a moment to who is alive, and asks the same functions. It writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use eventlog::{EventLog, ReadError, membership};
use schemas::control::{Placement, WorkerControl};
use schemas::{AreaId, WorkerId, decode};
use tokio::time::Instant;

use crate::book::{self, Book};
use crate::config::Config;
use crate::lease::KEY;
use crate::plan::Plan;
use crate::situation::Situation;

/// For so long heartbeats are listened to: a few of each worker.
const LISTEN: Duration = Duration::from_millis(450);

/// What a moment of looking and listening has shown.
#[derive(Debug)]
pub struct Survey {
    /// How things stand.
    pub situation: Situation,
    /// What operators want of workers, whether these are there or not.
    pub duties: BTreeMap<WorkerId, WorkerControl>,
    /// The director that leads, by the name it drew; `None`: none does.
    pub leader: Option<String>,
    /// Moves that one plan may make.
    pub moves: usize,
    now: Instant,
}

impl Survey {
    /// Looks and listens; takes half a second.
    ///
    /// # Errors
    /// When the broker cannot be asked.
    pub async fn take(log: &EventLog, config: &Config) -> Result<Self, ReadError> {
        let mut heartbeats = membership::heartbeats(log).await?;
        let (book, _) = Book::read(log).await?;
        let (duties, _) = book::duties(log).await?;
        let mut placed = BTreeMap::new();
        let mut leader = None;
        for entry in log.bucket("placements").await?.entries().await? {
            let value = entry.value.unwrap_or_default();
            if entry.key == KEY {
                let name = String::from_utf8_lossy(&value).into_owned();
                leader = (!name.is_empty()).then_some(name);
            } else if let (Ok(area), Ok(placement)) =
                (AreaId::new(entry.key), decode::<Placement>(&value))
            {
                placed.insert(area, placement);
            }
        }
        let begun = Instant::now();
        let fronts: BTreeSet<AreaId> = config.areas().unwrap_or_default().into_iter().collect();
        let mut situation = Situation::new(config, fronts, begun);
        situation.book = book;
        situation.placed = placed;
        for (worker, duty) in &duties {
            situation.fleet.duty(worker.clone(), duty.clone());
        }
        for member in membership::members(log).await? {
            situation.fleet.announced(member, begun);
        }
        let deadline = begun + LISTEN;
        while let Ok(Some(beat)) = tokio::time::timeout_at(deadline, heartbeats.next()).await {
            situation.fleet.heard(&beat, Instant::now());
        }
        let now = Instant::now();
        situation.fleet.judge(now);
        situation.pass(now);
        Ok(Self {
            situation,
            duties,
            leader,
            moves: config.moves,
            now,
        })
    }

    /// What a director would change now.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let mut plan = self.situation.plan(self.moves, self.now);
        let quarantines = self.situation.quarantines();
        let broken: BTreeSet<AreaId> = quarantines
            .iter()
            .map(|change| change.placement.area.clone())
            .collect();
        plan.changes
            .retain(|change| !broken.contains(&change.placement.area));
        plan.changes.splice(0..0, quarantines);
        plan
    }

    /// What a director would ask of areas' controls now.
    #[must_use]
    pub fn steps(&self) -> Vec<crate::instances::Step> {
        self.situation.steps(self.now)
    }
}
