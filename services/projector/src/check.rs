//! The proof: rows as they are against rows folded from zero up to the same positions.

use past::Past;
use runtime::Shutdown;

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

fn compare(live: &Dump, new: &Dump) -> Comparison {
    Comparison {
        rows: live.rows(),
        differences: live.differences(new),
    }
}
