//! Where every projection stands against the live head.

use std::time::Duration;

use past::Past;
use runtime::Shutdown;
use schemas::{Sequence, UnixMillis};
use serde::Serialize;
use sqlx::{PgConnection, Row};
use tokio::time::{Instant, MissedTickBehavior};

use crate::config::Config;
use crate::database;
use crate::driver::Surroundings;
use crate::error::ProjectError;
use crate::lag::{Lag, measure};
use crate::name::Name;
use crate::pulse::Pulse;

/// One projection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// Which.
    pub projection: Name,
    /// Its stream.
    pub stream: &'static str,
    /// The last message that its rows hold.
    pub folded: Sequence,
    /// The stream's last.
    pub head: Sequence,
    /// Messages that are not in the rows.
    pub behind_messages: u64,
    /// Age of the first of them, in seconds.
    pub behind_seconds: f64,
    /// When the last message in the rows was stored.
    pub folded_at: Option<UnixMillis>,
    /// Keys whose rows stand still.
    pub parked_keys: u64,
    /// Events that wait there.
    pub parked_events: u64,
    /// Events that operators have given up.
    pub dropped_events: u64,
    /// How many instances have owned its rows.
    pub owner_epoch: u64,
    /// How often operators have changed its rows.
    pub generation: u64,
}

/// How far rows were behind during some time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LagOver {
    /// Which.
    pub projection: Name,
    /// How often it was looked.
    pub samples: usize,
    /// Messages: the middle sample, the one that 99 % stay below, the largest.
    pub messages: Spread<u64>,
    /// Seconds since the first message was stored that is not in the rows.
    pub seconds: Spread<f64>,
}

/// What samples say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Spread<T> {
    /// The middle one.
    pub p50: T,
    /// All but one in a hundred stay below.
    pub p99: T,
    /// The largest.
    pub max: T,
}

fn spread<T: Copy>(sorted: &[T], none: T) -> Spread<T> {
    let at = |percent: usize| {
        let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(place).copied().unwrap_or(none)
    };
    Spread {
        p50: at(50),
        p99: at(99),
        max: at(100),
    }
}

/// All projections as they stand now.
///
/// # Errors
/// When log or database do not answer, or the tables are not there.
pub async fn status(config: &Config, past: &Past) -> Result<Vec<Standing>, ProjectError> {
    let around = Surroundings::new(config, past, &Shutdown::new())?;
    let pool = database::connect(config)?;
    let mut db = pool.acquire().await?;
    let mut all = Vec::new();
    for name in Name::ALL {
        all.push(standing(&mut db, &around, name).await?);
    }
    drop(db);
    pool.close().await;
    Ok(all)
}

async fn standing(
    db: &mut PgConnection,
    around: &Surroundings,
    name: Name,
) -> Result<Standing, ProjectError> {
    let row = sqlx::query(
        "SELECT sequence, (EXTRACT(EPOCH FROM updated_at) * 1000)::BIGINT AS at, owner_epoch, generation,
                (SELECT count(*) FROM parked_events p WHERE p.projection = $1) AS keys,
                (SELECT COALESCE(sum(events), 0)::BIGINT FROM parked_events p WHERE p.projection = $1) AS events,
                (SELECT count(*) FROM dropped_events d WHERE d.projection = $1) AS dropped
         FROM (SELECT) AS one LEFT JOIN checkpoints c ON c.projection = $1",
    )
    .bind(name.as_str())
    .fetch_one(db)
    .await?;
    let number = |column| {
        let value = row.try_get::<Option<i64>, _>(column)?;
        Ok::<_, sqlx::Error>(value.and_then(|value| u64::try_from(value).ok()))
    };
    let folded = Sequence(number("sequence")?.unwrap_or(0));
    let lag = now_behind(around, name, folded).await?;
    Ok(Standing {
        projection: name,
        stream: name.stream(),
        folded,
        head: lag.1,
        behind_messages: lag.0.messages,
        behind_seconds: lag.0.millis as f64 / 1000.0,
        folded_at: number("at")?.map(UnixMillis),
        parked_keys: number("keys")?.unwrap_or(0),
        parked_events: number("events")?.unwrap_or(0),
        dropped_events: number("dropped")?.unwrap_or(0),
        owner_epoch: number("owner_epoch")?.unwrap_or(0),
        generation: number("generation")?.unwrap_or(0),
    })
}

/// The lag of rows that hold everything up to `folded`, and the head it is measured against.
async fn now_behind(
    around: &Surroundings,
    name: Name,
    folded: Sequence,
) -> Result<(Lag, Sequence), ProjectError> {
    let info = around.log.stream_info(name.stream()).await?;
    let source = around.source(&Pulse::new());
    let lag = measure(&source, name.stream(), folded, &info).await;
    Ok((lag, info.last))
}

/// Looks every `every` for `time` how far each projection is behind. A shutdown ends it early.
///
/// # Errors
/// As [`status`]'s.
pub async fn lag_over(
    config: &Config,
    past: &Past,
    time: Duration,
    every: Duration,
    shutdown: &Shutdown,
) -> Result<Vec<LagOver>, ProjectError> {
    let around = Surroundings::new(config, past, shutdown)?;
    let pool = database::connect(config)?;
    let mut seen: Vec<Vec<Lag>> = vec![Vec::new(); Name::ALL.len()];
    let end = Instant::now() + time;
    let mut period = tokio::time::interval(every);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while Instant::now() < end && shutdown.unless_begun(period.tick()).await.is_some() {
        for (name, seen) in Name::ALL.into_iter().zip(&mut seen) {
            let folded = "SELECT sequence FROM checkpoints WHERE projection = $1";
            let folded: Option<i64> = sqlx::query_scalar(folded)
                .bind(name.as_str())
                .fetch_optional(&pool)
                .await?;
            let folded = folded.and_then(|at| u64::try_from(at).ok()).unwrap_or(0);
            seen.push(now_behind(&around, name, Sequence(folded)).await?.0);
        }
    }
    pool.close().await;
    Ok(Name::ALL.into_iter().zip(seen).map(summed_up).collect())
}

fn summed_up((projection, seen): (Name, Vec<Lag>)) -> LagOver {
    let mut messages: Vec<u64> = seen.iter().map(|lag| lag.messages).collect();
    let mut millis: Vec<u64> = seen.iter().map(|lag| lag.millis).collect();
    messages.sort_unstable();
    millis.sort_unstable();
    let millis = spread(&millis, 0);
    let seconds = |millis: u64| millis as f64 / 1000.0;
    LagOver {
        projection,
        samples: seen.len(),
        messages: spread(&messages, 0),
        seconds: Spread {
            p50: seconds(millis.p50),
            p99: seconds(millis.p99),
            max: seconds(millis.max),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_names_the_middle_and_the_ends() {
        let hundred: Vec<u64> = (1..=100).collect();
        let of = spread(&hundred, 0);
        assert_eq!((of.p50, of.p99, of.max), (50, 99, 100));
        assert_eq!(spread(&[7], 0).p99, 7);
        assert_eq!(spread(&[], 0).max, 0);
    }
}
