//! The proof: rows as they are against rows folded from zero up to the same positions.

use past::Past;
use runtime::Shutdown;
use sqlx::{PgConnection, PgPool};

use crate::config::Config;
use crate::database::{self, drop_schema};
use crate::dump::{Dump, dump_with};
use crate::error::ProjectError;
use crate::goals::Goals;
use crate::rebuild::fill;

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
    past: &Past,
    shutdown: &Shutdown,
) -> Result<Comparison, ProjectError> {
    let pool = database::connect(config)?;
    let mut picture = pool.begin().await?;
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        .execute(&mut *picture)
        .await?;
    let live = dump_with(&mut picture).await?;
    let goals = Goals::of_rows(&mut picture).await?;
    picture.commit().await?;
    let aside = config.with_schema(format!("{}_check", config.schema));
    let _at_work = AtWork::begin(&pool, &config.schema).await?;
    let filled = fill(&aside, &config.schema, past, &goals, shutdown).await;
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

/// That the schema of a check is one that somebody fills and compares; not so when it was killed.
pub(crate) struct AtWork {
    /// The lock is this connection's.
    _held: PgConnection,
}

impl AtWork {
    /// Begins it once no other check of the same schema is at work.
    async fn begin(pool: &PgPool, live: &str) -> Result<Self, sqlx::Error> {
        let mut held = pool.acquire().await?.detach();
        sqlx::query(
            "SELECT pg_advisory_lock(hashtextextended('worldline projector check ' || $1, 0))",
        )
        .bind(live)
        .execute(&mut held)
        .await?;
        Ok(Self { _held: held })
    }

    /// Lets none begin until the transaction ends; false when one is at work.
    pub(crate) async fn keep_out(db: &mut PgConnection, live: &str) -> Result<bool, sqlx::Error> {
        let lock = "SELECT pg_try_advisory_xact_lock(hashtextextended('worldline projector check ' || $1, 0))";
        sqlx::query_scalar(lock).bind(live).fetch_one(db).await
    }
}

fn compare(live: &Dump, new: &Dump) -> Comparison {
    Comparison {
        rows: live.rows(),
        differences: live.differences(new),
    }
}
