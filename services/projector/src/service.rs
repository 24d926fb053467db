//! The service: all projections side by side.

use std::time::Duration;

use anyhow::Context;
use past::Past;
use runtime::{Backoff, Ctx, HealthCheck, Shutdown};
use tokio::task::JoinSet;

use crate::config::Config;
use crate::database;
use crate::driver::{Driver, Goal, Surroundings};
use crate::error::ProjectError;
use crate::goals::Goals;
use crate::name::Visitor;
use crate::projection::Projection;
use crate::ranking;

/// Runs all projections until the shutdown begins. The past may be a broker alone; with an archive beside it, rows that
/// are further behind than the broker reaches back can still be brought up to date.
///
/// # Errors
/// When the rows do not belong to this log, a newer instance has taken over, or the tables are
/// of another build. An unreachable Postgres or broker is waited for.
pub async fn run(config: Config, past: impl Into<Past>, ctx: Ctx) -> anyhow::Result<()> {
    let health = ctx.health.check("projector");
    let around = Surroundings::new(&config, &past.into(), &ctx.shutdown)?;
    let pool = database::connect(&config).context("reading the address of the database")?;
    if migrate(&around, &health).await? {
        let check = |name: &str| Some(ctx.health.check(&format!("projector-{name}")));
        health.ready();
        let telling = ranking::tell(pool.clone(), around.log.clone());
        let goals = Goals::all(Goal::Follow);
        tokio::select! {
            done = project(&around, &goals, check) => done?,
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
    past: &Past,
    shutdown: &Shutdown,
) -> Result<(), ProjectError> {
    database::migrate(config).await?;
    let around = Surroundings::new(config, past, shutdown)?;
    project(&around, &Goals::all(Goal::Head), |_| None).await?;
    if shutdown.has_begun() {
        return Err(ProjectError::Interrupted);
    }
    Ok(())
}

/// Waits for the database and migrates it; false when the shutdown came first.
async fn migrate(around: &Surroundings, health: &HealthCheck) -> Result<bool, ProjectError> {
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
    loop {
        let migrated = database::migrate(&around.config);
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

/// Starts a projection as a task of its own.
struct Start<'a> {
    around: &'a Surroundings,
    goal: Goal,
    health: Option<HealthCheck>,
    tasks: &'a mut JoinSet<Result<(), ProjectError>>,
}

impl Visitor for Start<'_> {
    type Output = Result<(), ProjectError>;

    fn visit<P: Projection>(self, projection: P) -> Self::Output {
        let driver = Driver::new(projection, self.around.clone(), self.goal, self.health)?;
        self.tasks.spawn(Box::pin(driver.run()));
        Ok(())
    }
}

/// Runs projections to their goals, each as a task of its own; the first that must stop stops the others.
pub(crate) async fn project(
    around: &Surroundings,
    goals: &Goals,
    health: impl Fn(&str) -> Option<HealthCheck>,
) -> Result<(), ProjectError> {
    // Whoever drops this future ends the tasks.
    let mut tasks = JoinSet::new();
    for (name, goal) in goals.iter() {
        let start = Start {
            around,
            goal,
            health: health(name.as_str()),
            tasks: &mut tasks,
        };
        name.visit(&around.config, start)?;
    }
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(done) => done?,
            Err(task) if task.is_panic() => std::panic::resume_unwind(task.into_panic()),
            // Nobody ends a task but whoever drops this future.
            Err(_) => return Err(ProjectError::Interrupted),
        }
    }
    Ok(())
}
