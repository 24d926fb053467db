//! The connection to Postgres and the tables in it.

use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool};

use crate::config::Config;
use crate::error::ProjectError;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// Connections for all projections; made when first used, so that this works while Postgres is away.
pub(crate) fn connect(config: &Config) -> Result<PgPool, ProjectError> {
    let options = PgConnectOptions::from_str(config.postgres.expose())?
        .application_name("worldline-projector")
        .options([
            ("search_path", config.schema.as_str()),
            // A commit that a crash takes back takes its checkpoint back with it.
            ("synchronous_commit", "off"),
            ("timezone", "UTC"),
        ]);
    Ok(PgPoolOptions::new()
        .max_connections(6)
        .acquire_timeout(Duration::from_secs(5))
        .connect_lazy_with(options))
}

/// Brings the tables to this build's version; the schema is made when it is not there.
///
/// # Errors
/// When the database does not answer, or holds tables of a newer build.
pub async fn migrate(config: &Config) -> Result<(), ProjectError> {
    let pool = connect(config)?;
    let done = migrate_with(&pool, config).await;
    pool.close().await;
    done
}

pub(crate) async fn migrate_with(pool: &PgPool, config: &Config) -> Result<(), ProjectError> {
    // Asked first, because creating needs a right even when there is nothing to create.
    let known: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)")
            .bind(&config.schema)
            .fetch_one(pool)
            .await?;
    if !known {
        // The name is checked by `Config`: letters, digits and underscores.
        sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA {}", config.schema)))
            .execute(pool)
            .await?;
    }
    match MIGRATIONS.run(pool).await {
        Err(sqlx::migrate::MigrateError::Execute(error)) => Err(error.into()),
        done => Ok(done?),
    }
}
