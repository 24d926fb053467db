//! The service: all projections side by side.

use std::time::Duration;

use anyhow::Context;
use eventlog::EventLog;
use runtime::{Backoff, Ctx, HealthCheck, Shutdown};

use crate::accounts::Accounts;
use crate::areas::Areas;
use crate::config::Config;
use crate::control::Control;
use crate::credentials::Credentials;
use crate::database;
use crate::driver::{Driver, Goal, Surroundings};
use crate::error::ProjectError;
use crate::lobby::Lobby;
use crate::projection::Projection;
use crate::ranking;

/// How far each projection shall go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goals {
    pub(crate) areas: Goal,
    pub(crate) lobby: Goal,
    pub(crate) accounts: Goal,
    pub(crate) credentials: Goal,
    pub(crate) control: Goal,
}

impl Goals {
    pub(crate) const fn all(goal: Goal) -> Self {
        Self {
            areas: goal,
            lobby: goal,
            accounts: goal,
            credentials: goal,
            control: goal,
        }
    }
}

/// Runs all projections until the shutdown begins.
///
/// # Errors
/// When the rows do not belong to this log, a newer instance has taken over, or the tables are
/// of another build. An unreachable Postgres or broker is waited for.
pub async fn run(config: Config, log: EventLog, ctx: Ctx) -> anyhow::Result<()> {
    let health = ctx.health.check("projector");
    let pool = database::connect(&config).context("reading the address of the database")?;
    let around = Surroundings {
        config,
        log,
        pool: pool.clone(),
        shutdown: ctx.shutdown.clone(),
    };
    if migrate(&around, &health).await? {
        let check = |name: &str| Some(ctx.health.check(&format!("projector-{name}")));
        health.ready();
        let telling = ranking::tell(pool.clone(), around.log.clone());
        tokio::select! {
            done = project(&around, Goals::all(Goal::Follow), check) => done?,
            () = telling => {}
        }
    }
    pool.close().await;
    Ok(())
}

/// Folds everything up to the heads of the streams, and ends: what a projector that keeps up has done.
///
/// # Errors
/// As [`run`]'s; a shutdown that comes first is one.
pub async fn catch_up(
    config: &Config,
    log: &EventLog,
    shutdown: &Shutdown,
) -> Result<(), ProjectError> {
    database::migrate(config).await?;
    let pool = database::connect(config)?;
    let around = Surroundings {
        config: config.clone(),
        log: log.clone(),
        pool: pool.clone(),
        shutdown: shutdown.clone(),
    };
    let done = project(&around, Goals::all(Goal::Head), |_| None).await;
    pool.close().await;
    match done {
        Ok(()) if shutdown.has_begun() => Err(ProjectError::Interrupted),
        done => done,
    }
}

/// Waits for the database and migrates it; false when the shutdown came first.
async fn migrate(around: &Surroundings, health: &HealthCheck) -> Result<bool, ProjectError> {
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
    loop {
        let migrated = database::migrate_with(&around.pool, &around.config);
        match around.shutdown.unless_begun(migrated).await {
            None => return Ok(false),
            Some(Ok(())) => return Ok(true),
            Some(Err(error)) if error.passes() => {
                tracing::warn!(%error, "waiting for Postgres");
                health.not_ready(format!("waiting for Postgres: {error}"));
            }
            Some(Err(error)) => return Err(error),
        }
        around.shutdown.unless_begun(backoff.wait()).await;
    }
}

/// Runs all projections to their goals; the first that must stop stops the others.
pub(crate) async fn project(
    around: &Surroundings,
    goals: Goals,
    health: impl Fn(&str) -> Option<HealthCheck>,
) -> Result<(), ProjectError> {
    fn start<P: Projection>(
        projection: P,
        around: &Surroundings,
        goal: Goal,
        health: &impl Fn(&str) -> Option<HealthCheck>,
    ) -> impl Future<Output = Result<(), ProjectError>> {
        Box::pin(Driver::new(projection, around.clone(), goal, health(P::NAME)).run())
    }
    let credentials = Credentials::default();
    let areas = Areas::new(around.config.save_every);
    tokio::try_join!(
        start(areas, around, goals.areas, &health),
        start(Lobby::default(), around, goals.lobby, &health),
        start(Accounts::default(), around, goals.accounts, &health),
        start(credentials, around, goals.credentials, &health),
        start(Control::default(), around, goals.control, &health),
    )?;
    Ok(())
}
