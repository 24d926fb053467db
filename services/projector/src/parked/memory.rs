//! What a projection that runs knows of its parked keys.
//!
//! The event at fault and all that come for its key after it stay in the log; here stands only
//! where the first is and how many there are, so that a broken area with 25 frames a second costs
//! one row. Once a build is fixed they are applied from the log, by [`retry`](super::retry) or a rebuild.
//!
//! While a key is being retried its row is changed under our feet, so what comes behind is added to what the row says.

use std::collections::{BTreeMap, BTreeSet};

use eventlog::Record;
use schemas::{Sequence, UnixMillis};
use sqlx::{PgConnection, Row};

use crate::columns::{big, column, keys};

#[derive(Debug, Clone)]
struct Waiting {
    poison: Sequence,
    at: UnixMillis,
    reason: String,
    last: Sequence,
    /// Come since the last transaction.
    unwritten: i64,
}

/// All parked keys of one projection.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    waiting: BTreeMap<String, Waiting>,
    touched: BTreeSet<String>,
}

impl Parked {
    /// As of the last transaction.
    pub(crate) async fn load(db: &mut PgConnection, projection: &str) -> Result<Self, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT key, poison_sequence, (EXTRACT(EPOCH FROM poison_at) * 1000)::BIGINT AS at, reason,
                    last_sequence
             FROM parked_events WHERE projection = $1",
        )
        .bind(projection)
        .fetch_all(db)
        .await?;
        let number = |row: &sqlx::postgres::PgRow, name| {
            Ok::<_, sqlx::Error>(u64::try_from(row.try_get::<i64, _>(name)?).unwrap_or(0))
        };
        let waiting = rows
            .iter()
            .map(|row| {
                let waiting = Waiting {
                    poison: Sequence(number(row, "poison_sequence")?),
                    at: UnixMillis(number(row, "at")?),
                    reason: row.try_get("reason")?,
                    last: Sequence(number(row, "last_sequence")?),
                    unwritten: 0,
                };
                Ok((row.try_get("key")?, waiting))
            })
            .collect::<Result<_, sqlx::Error>>()?;
        Ok(Self {
            waiting,
            touched: BTreeSet::new(),
        })
    }

    /// How many keys wait.
    pub(crate) fn keys(&self) -> usize {
        self.waiting.len()
    }

    /// Parks `record` if its key already waits; says whether it did.
    pub(crate) fn behind(&mut self, record: &Record) -> bool {
        let Some(waiting) = self.waiting.get_mut(&record.subject) else {
            return false;
        };
        waiting.last = record.sequence;
        waiting.unwritten += 1;
        self.touched.insert(record.subject.clone());
        true
    }

    /// Parks `record` as the first of its key.
    pub(crate) fn poison(&mut self, record: &Record, reason: &str) {
        self.waiting.insert(
            record.subject.clone(),
            Waiting {
                poison: record.sequence,
                at: record.stored_at,
                // Postgres has no room for it, and this row must always be acceptable.
                reason: reason.replace('\0', "\u{fffd}"),
                last: record.sequence,
                unwritten: 1,
            },
        );
        self.touched.insert(record.subject.clone());
    }

    /// Writes what has changed.
    pub(crate) async fn write(
        &mut self,
        db: &mut PgConnection,
        projection: &str,
    ) -> Result<(), sqlx::Error> {
        let touched: BTreeMap<String, Waiting> = std::mem::take(&mut self.touched)
            .into_iter()
            .filter_map(|key| {
                let waiting = self.waiting.get_mut(&key)?;
                let row = waiting.clone();
                waiting.unwritten = 0;
                Some((key, row))
            })
            .collect();
        if touched.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO parked_events (projection, key, poison_sequence, poison_at, reason, last_sequence, events)
             SELECT $1, key, poison, to_timestamp(at / 1000.0), reason, last, events
             FROM UNNEST($2::TEXT[], $3::BIGINT[], $4::BIGINT[], $5::TEXT[], $6::BIGINT[], $7::BIGINT[])
                  AS new (key, poison, at, reason, last, events)
             ON CONFLICT (projection, key) DO UPDATE
             SET last_sequence = EXCLUDED.last_sequence, events = parked_events.events + EXCLUDED.events",
        )
        .bind(projection)
        .bind(keys(&touched))
        .bind(column(&touched, |row| big(row.poison.0)))
        .bind(column(&touched, |row| big(row.at.0)))
        .bind(column(&touched, |row| row.reason.clone()))
        .bind(column(&touched, |row| big(row.last.0)))
        .bind(column(&touched, |row| row.unwritten))
        .execute(db)
        .await?;
        Ok(())
    }
}
