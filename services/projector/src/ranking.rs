//! The ranking: who has played longest, read from the rows and told to the edges through a bucket.
//!
//! A convenience of the projector and no truth: it is written anew whenever it has changed, and
//! whoever shows it shows the last one while Postgres or the projector is away.

use std::time::Duration;

use eventlog::EventLog;
use schemas::CharacterId;
use schemas::lobby::Ranking;
use sqlx::{PgPool, Row};
use tokio::time::MissedTickBehavior;

use crate::error::ProjectError;

/// How often the rows are looked at.
const PERIOD: Duration = Duration::from_secs(3);

/// Tells until it is dropped.
pub(crate) async fn tell(pool: PgPool, log: EventLog) {
    let mut period = tokio::time::interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = None;
    loop {
        period.tick().await;
        match tell_once(&pool, &log, told.take()).await {
            Ok(now) => told = now,
            Err(error) => tracing::debug!(%error, "the ranking is not told for a moment"),
        }
    }
}

/// Writes the ranking unless it is what was told before; what is told now.
async fn tell_once(
    pool: &PgPool,
    log: &EventLog,
    told: Option<Ranking>,
) -> Result<Option<Ranking>, ProjectError> {
    let ranking = read(pool).await?;
    if told.as_ref() == Some(&ranking) {
        return Ok(told);
    }
    let bucket = log.bucket(Ranking::BUCKET).await?;
    let value = schemas::encode(&ranking).into();
    if let Err(error) = bucket.put(Ranking::KEY, value).await {
        tracing::warn!(%error, "the ranking could not be written; the next one will be");
        return Ok(None);
    }
    Ok(Some(ranking))
}

async fn read(pool: &PgPool) -> Result<Ranking, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT character, played_ms FROM characters
         WHERE played_ms > 0 AND deleted_until IS NULL AND NOT erased
         ORDER BY played_ms DESC, character LIMIT $1",
    )
    .bind(i64::try_from(Ranking::MOST).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await?;
    let characters = rows.iter().filter_map(|row| {
        let character: CharacterId = row.try_get::<&str, _>(0).ok()?.parse().ok()?;
        let played = u64::try_from(row.try_get::<i64, _>(1).ok()?).ok()?;
        Some((character, played))
    });
    Ok(Ranking {
        characters: characters.collect(),
    })
}
