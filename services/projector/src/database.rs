//! The connection to Postgres and the tables in it.

use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};

use crate::analysts;
use crate::config::{Config, analytics};
use crate::error::ProjectError;

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

fn options(config: &Config) -> Result<PgConnectOptions, ProjectError> {
    let options = PgConnectOptions::from_str(config.postgres.expose())?;
    Ok(options.application_name("worldline-projector").options([
        ("search_path", config.schema.as_str()),
        // A commit that a crash takes back takes its checkpoint back with it.
        ("synchronous_commit", "off"),
        ("timezone", "UTC"),
    ]))
}

fn pool(options: PgConnectOptions, connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(5))
        .connect_lazy_with(options)
}

/// Connections for tools; made when first used, so that this works while Postgres is away.
pub(crate) fn connect(config: &Config) -> Result<PgPool, ProjectError> {
    Ok(pool(options(config)?, 4))
}

/// Connections for one projection. What hangs on them is ended by the server, even when we cannot tell it to: a
/// transaction that nobody ends would keep its successor from the checkpoint.
pub(crate) fn connect_bounded(config: &Config) -> Result<PgPool, ProjectError> {
    let patience = config.stuck_after.duration().as_millis().to_string();
    let options = options(config)?.options([
        ("statement_timeout", patience.as_str()),
        ("idle_in_transaction_session_timeout", patience.as_str()),
    ]);
    Ok(pool(options, 2))
}

/// Brings the tables to this build's version; the schema is made when it is not there.
///
/// # Errors
/// When the database does not answer, or holds tables of a newer build.
pub async fn migrate(config: &Config) -> Result<(), ProjectError> {
    // Tables that a crash took back would be missed only by those who believe that they are there.
    let durable = options(config)?.options([("synchronous_commit", "on")]);
    let pool = pool(durable, 2);
    let done = migrate_with(&pool, config).await;
    pool.close().await;
    done
}

async fn migrate_with(pool: &PgPool, config: &Config) -> Result<(), ProjectError> {
    // Asked first, because creating needs a right even when there is nothing to create.
    if !has_schema(pool, &config.schema).await? {
        // The name is checked by `Config`: letters, digits and underscores.
        sqlx::query(AssertSqlSafe(format!("CREATE SCHEMA {}", config.schema)))
            .execute(pool)
            .await?;
    }
    match MIGRATIONS.run(pool).await {
        Err(sqlx::migrate::MigrateError::Execute(error)) => return Err(error.into()),
        done => done?,
    }
    analysts::admit(pool, &config.analytics()).await?;
    Ok(())
}

pub(crate) async fn has_schema(pool: &PgPool, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)")
        .bind(name)
        .fetch_one(pool)
        .await
}

/// Removes a schema and the views beside it. The name is checked by `Config` or made from such a one.
pub(crate) async fn drop_schema(pool: &PgPool, schema: &str) -> Result<(), sqlx::Error> {
    for name in [analytics(schema), schema.to_owned()] {
        let statement = format!("DROP SCHEMA IF EXISTS {name} CASCADE");
        sqlx::query(AssertSqlSafe(statement)).execute(pool).await?;
    }
    Ok(())
}

/// The right to change rows by hand, held by one at a time; given back when dropped.
pub(crate) struct Exclusive {
    /// The lock is this connection's.
    _held: PgConnection,
}

impl Exclusive {
    /// Takes it.
    ///
    /// # Errors
    /// [`ProjectError::Busy`] when somebody else has it.
    pub(crate) async fn take(config: &Config) -> Result<Self, ProjectError> {
        let mut db = PgConnection::connect_with(&options(config)?).await?;
        let taken =
            "SELECT pg_try_advisory_lock(hashtextextended('worldline projector ' || $1, 0))";
        let taken: bool = sqlx::query_scalar(taken)
            .bind(&config.schema)
            .fetch_one(&mut db)
            .await?;
        if taken {
            Ok(Self { _held: db })
        } else {
            Err(ProjectError::Busy(config.schema.clone()))
        }
    }
}
