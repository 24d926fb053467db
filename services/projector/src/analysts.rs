//! The role `analyst`: may read the views that are made for analysts, and nothing else.
//!
//! A role is of the whole database server, so it cannot come with the tables of one schema. It is made when it is
//! missing and we may, else by whoever may (`docs/analytics.md` has the lines); its rights on new views are given here.
//! It has no password until somebody gives it one.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, PgPool};

use crate::config::Config;
use crate::error::ProjectError;

/// The role.
pub const ROLE: &str = "analyst";

/// How long a question may take, how long a transaction may be kept open; and nothing may be written.
const SETTINGS: [(&str, &str); 4] = [
    ("statement_timeout", "30s"),
    ("idle_in_transaction_session_timeout", "60s"),
    ("lock_timeout", "5s"),
    ("default_transaction_read_only", "on"),
];

/// Where an analyst asks: the projector's database, with the analyst's role and no password.
///
/// # Errors
/// When the projector's own address is none.
pub(crate) fn address(config: &Config) -> Result<String, ProjectError> {
    let projector = PgConnectOptions::from_str(config.postgres.expose())?;
    let (host, port) = (projector.get_host(), projector.get_port());
    let database = projector.get_database().unwrap_or_default();
    Ok(format!("postgres://{ROLE}@{host}:{port}/{database}"))
}

/// Makes the role if need be, and lets it read what is in schema `views`. What we have no right to do is told and left.
pub(crate) async fn admit(pool: &PgPool, views: &str) -> Result<(), sqlx::Error> {
    let known = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)";
    let known: bool = sqlx::query_scalar(known).bind(ROLE).fetch_one(pool).await?;
    // Roles are of the whole server, so another database's projector may make it at this moment.
    if !known && !allowed(pool, &format!("CREATE ROLE {ROLE} LOGIN")).await? {
        return Ok(());
    }
    let reads = "SELECT has_schema_privilege($1, $2, 'USAGE')";
    let reads: bool = sqlx::query_scalar(reads)
        .bind(ROLE)
        .bind(views)
        .fetch_one(pool)
        .await?;
    let missing = "SELECT EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $2 AND c.relkind = 'v' AND NOT has_table_privilege($1, c.oid, 'SELECT'))";
    let missing: bool = sqlx::query_scalar(missing)
        .bind(ROLE)
        .bind(views)
        .fetch_one(pool)
        .await?;
    if !reads || missing {
        allowed(pool, &format!("GRANT USAGE ON SCHEMA {views} TO {ROLE}")).await?;
        allowed(
            pool,
            &format!("GRANT SELECT ON ALL TABLES IN SCHEMA {views} TO {ROLE}"),
        )
        .await?;
    }
    limit(pool).await
}

/// Its settings, for this database.
async fn limit(pool: &PgPool) -> Result<(), sqlx::Error> {
    let set = "SELECT COALESCE((SELECT s.setconfig FROM pg_db_role_setting s
        JOIN pg_roles r ON r.oid = s.setrole JOIN pg_database d ON d.oid = s.setdatabase
        WHERE r.rolname = $1 AND d.datname = current_database()), '{}')";
    let set: Vec<String> = sqlx::query_scalar(set).bind(ROLE).fetch_one(pool).await?;
    let database: String = sqlx::query_scalar("SELECT quote_ident(current_database())")
        .fetch_one(pool)
        .await?;
    let search = ("search_path", "analytics");
    for (name, value) in SETTINGS.into_iter().chain([search]) {
        // What somebody has set otherwise stays.
        if !set.iter().any(|set| set.starts_with(&format!("{name}="))) {
            let statement =
                format!("ALTER ROLE {ROLE} IN DATABASE {database} SET {name} = '{value}'");
            if !allowed(pool, &statement).await? {
                break;
            }
        }
    }
    Ok(())
}

/// Runs a statement that needs rights on roles; false, and a line in the log, when it is refused.
async fn allowed(pool: &PgPool, statement: &str) -> Result<bool, sqlx::Error> {
    match sqlx::query(AssertSqlSafe(statement.to_owned()))
        .execute(pool)
        .await
    {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(refusal)) => {
            let code = refusal.code().unwrap_or_default();
            // Insufficient privilege; it exists already; somebody is changing it at this moment.
            match code.as_ref() {
                "42501" => {
                    tracing::warn!(
                        statement,
                        "analysts cannot be let in with the projector's rights; docs/analytics.md says how"
                    );
                    Ok(false)
                }
                "42710" | "23505" | "XX000" => Ok(true),
                _ => Err(sqlx::Error::Database(refusal)),
            }
        }
        Err(error) => Err(error),
    }
}
