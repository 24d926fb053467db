//! Folding everything anew: into a second schema beside the first, then one switch.

use eventlog::EventLog;
use runtime::Shutdown;
use sqlx::{AssertSqlSafe, PgPool};

use crate::config::Config;
use crate::database;
use crate::driver::{Goal, Surroundings};
use crate::error::ProjectError;
use crate::service::{Goals, project};

/// What a rebuild has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The schema that now holds the new rows.
    pub schema: String,
    /// The schema to which the old rows were moved, when they were to be kept.
    pub kept: Option<String>,
}

/// Folds the whole log into a new schema and puts it in the place of `config.schema`.
///
/// A projector that runs meanwhile keeps the old rows fresh until the switch and goes on in the
/// new ones after it: they carry its owner's epoch. With `keep_old` the old rows stay as
/// `<schema>_old`, else they are dropped.
///
/// # Errors
/// As a projector's; then nothing was switched.
pub async fn rebuild(
    config: &Config,
    log: &EventLog,
    keep_old: bool,
    shutdown: &Shutdown,
) -> Result<Rebuilt, ProjectError> {
    database::migrate(config).await?;
    let aside = config.with_schema(format!("{}_rebuild", config.schema));
    fill(&aside, log, Goals::all(Goal::Head), shutdown).await?;
    let old = format!("{}_old", config.schema);
    let pool = database::connect(config)?;
    let switched = switch(&pool, &config.schema, &aside.schema, &old).await;
    if switched.is_ok() && !keep_old {
        drop_schema(&pool, &old).await?;
    }
    pool.close().await;
    switched?;
    Ok(Rebuilt {
        schema: config.schema.clone(),
        kept: keep_old.then_some(old),
    })
}

/// Folds the log up to `goals` into `config.schema`, which begins empty.
pub(crate) async fn fill(
    config: &Config,
    log: &EventLog,
    goals: Goals,
    shutdown: &Shutdown,
) -> Result<(), ProjectError> {
    let pool = database::connect(config)?;
    drop_schema(&pool, &config.schema).await?;
    database::migrate_with(&pool, config).await?;
    let around = Surroundings {
        config: config.clone(),
        log: log.clone(),
        pool: pool.clone(),
        shutdown: shutdown.clone(),
    };
    let filled = Box::pin(project(&around, goals, |_| None)).await;
    pool.close().await;
    match filled {
        Ok(()) if shutdown.has_begun() => Err(ProjectError::Interrupted),
        filled => filled,
    }
}

/// The name is checked by `Config` or made from such a one.
pub(crate) async fn drop_schema(pool: &PgPool, schema: &str) -> Result<(), sqlx::Error> {
    let statement = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
    sqlx::query(AssertSqlSafe(statement))
        .execute(pool)
        .await
        .map(drop)
}

async fn switch(pool: &PgPool, live: &str, aside: &str, old: &str) -> Result<(), ProjectError> {
    drop_schema(pool, old).await?;
    let mut transaction = pool.begin().await?;
    for statement in [
        // Waits for the transaction that a running projector is in, and lets no other begin.
        format!("LOCK TABLE {live}.checkpoints IN ACCESS EXCLUSIVE MODE"),
        // A projector that runs stays the owner: it finds the checkpoint moved and loads again.
        format!(
            "UPDATE {aside}.checkpoints new SET owner_epoch = old.owner_epoch
             FROM {live}.checkpoints old WHERE old.projection = new.projection"
        ),
        format!("GRANT USAGE ON SCHEMA {aside} TO PUBLIC"),
        format!("ALTER SCHEMA {live} RENAME TO {old}"),
        format!("ALTER SCHEMA {aside} RENAME TO {live}"),
    ] {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(())
}
