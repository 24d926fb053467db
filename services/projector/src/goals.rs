//! How far each projection of a run shall go.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use crate::checkpoint::Checkpoint;
use crate::driver::Goal;
use crate::name::Name;

/// A goal for each projection that shall run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Goals(BTreeMap<Name, Goal>);

impl Goals {
    /// The same for all.
    pub(crate) fn all(goal: Goal) -> Self {
        Self(Name::ALL.map(|name| (name, goal)).into())
    }

    /// To where the rows that `db` sees stand.
    pub(crate) async fn of_rows(db: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let mut goals = Self::default();
        for name in Name::ALL {
            let at = Checkpoint::load(db, name.as_str()).await?;
            let sequence = at.map(|at| at.position.sequence).unwrap_or_default();
            goals.set(name, Goal::Event(sequence));
        }
        Ok(goals)
    }

    pub(crate) fn set(&mut self, name: Name, goal: Goal) {
        self.0.insert(name, goal);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Name, Goal)> {
        self.0.iter().map(|(name, goal)| (*name, *goal))
    }
}
