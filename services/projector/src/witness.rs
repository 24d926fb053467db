//! The database as a witness of the log.
//!
//! A broker whose whole store was put back to an older day agrees with itself: streams, snapshots and buckets are all of
//! that day, and nothing in it says what has been forgotten. The checkpoints are kept elsewhere, and know.

use eventlog::{EventLog, PositionError};

use crate::checkpoint::Checkpoint;
use crate::config::Config;
use crate::database;
use crate::error::ProjectError;
use crate::name::Name;

/// Compares every checkpoint there is with the log.
///
/// # Errors
/// [`ProjectError::Position`] when the log is not the one that the rows were folded from; whatever keeps us from asking.
pub async fn knows_this_log(config: &Config, log: &EventLog) -> Result<(), ProjectError> {
    let pool = database::connect(config)?;
    let outcome = compare(&pool, log).await;
    pool.close().await;
    outcome
}

async fn compare(pool: &sqlx::PgPool, log: &EventLog) -> Result<(), ProjectError> {
    let mut db = pool.acquire().await?;
    let tables = "SELECT to_regclass('checkpoints') IS NOT NULL";
    if !sqlx::query_scalar::<_, bool>(tables)
        .fetch_one(&mut *db)
        .await?
    {
        return Ok(());
    }
    for name in Name::ALL {
        let (projection, stream) = (name.as_str(), name.stream());
        // The tables may still be of the build before this one.
        let Some(at) = Checkpoint::position(&mut db, projection).await? else {
            continue;
        };
        match log.check_position(stream, &at).await {
            Ok(_) => {}
            Err(PositionError::Read(error)) => return Err(error.into()),
            Err(source) => return Err(ProjectError::Position { projection, source }),
        }
    }
    Ok(())
}
