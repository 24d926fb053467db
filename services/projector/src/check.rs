//! The proof: rows as they are against rows folded from zero up to the same positions.

use eventlog::EventLog;
use runtime::Shutdown;
use sqlx::PgConnection;

use crate::accounts::Accounts;
use crate::areas::Areas;
use crate::checkpoint::Checkpoint;
use crate::config::Config;
use crate::control::Control;
use crate::credentials::Credentials;
use crate::database;
use crate::driver::Goal;
use crate::dump::{Dump, dump_with};
use crate::error::ProjectError;
use crate::lobby::Lobby;
use crate::projection::Projection;
use crate::rebuild::{drop_schema, fill};
use crate::service::Goals;

/// What a check has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Rows compared.
    pub rows: usize,
    /// What differs: `-` as it is, `+` as folded from zero. Empty: equal.
    pub differences: Vec<String>,
}

/// Compares the rows of `config.schema` with a fold from zero up to the positions at which they
/// stand. The projector may run meanwhile.
///
/// # Errors
/// As a projector's.
pub async fn check(
    config: &Config,
    log: &EventLog,
    shutdown: &Shutdown,
) -> Result<Comparison, ProjectError> {
    let pool = database::connect(config)?;
    let mut picture = pool.begin().await?;
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        .execute(&mut *picture)
        .await?;
    let live = dump_with(&mut picture).await?;
    let goals = Goals {
        areas: goal::<Areas>(&mut picture).await?,
        lobby: goal::<Lobby>(&mut picture).await?,
        accounts: goal::<Accounts>(&mut picture).await?,
        credentials: goal::<Credentials>(&mut picture).await?,
        control: goal::<Control>(&mut picture).await?,
    };
    picture.commit().await?;
    let aside = config.with_schema(format!("{}_check", config.schema));
    let filled = fill(&aside, log, goals, shutdown).await;
    let compared = match filled {
        Ok(()) => crate::dump::dump(&aside)
            .await
            .map(|new| compare(&live, &new)),
        Err(error) => Err(error),
    };
    drop_schema(&pool, &aside.schema).await?;
    pool.close().await;
    compared
}

fn compare(live: &Dump, new: &Dump) -> Comparison {
    Comparison {
        rows: live.rows(),
        differences: live.differences(new),
    }
}

async fn goal<P: Projection>(db: &mut PgConnection) -> Result<Goal, sqlx::Error> {
    let at = Checkpoint::load(db, P::NAME).await?;
    Ok(Goal::Event(
        at.map(|at| at.position.sequence).unwrap_or_default(),
    ))
}
