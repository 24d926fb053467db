//! `control`: which areas have been opened.

use std::collections::BTreeMap;

use eventlog::Record;
use schemas::control::{AreaControl, ControlEvent};
use schemas::keyed::KeyedEntry;
use schemas::subjects::{Domain, Subject};
use schemas::{AreaId, Sequence, UnixMillis};
use sqlx::PgConnection;

use crate::columns::{big, column, keys};
use crate::error::ProjectError;
use crate::name::Name;
use crate::projection::{Poison, Projection, Source, described};

#[derive(Debug)]
struct Opened {
    map: Option<String>,
    seed: u64,
    opened_at: Option<UnixMillis>,
    sequence: Sequence,
}

/// Folds `CONTROL_EVENTS` into its columns of `areas`.
#[derive(Debug, Default)]
pub(crate) struct Control {
    areas: BTreeMap<AreaId, Opened>,
}

impl Projection for Control {
    const ID: Name = Name::Control;

    async fn load(&mut self, _: &mut PgConnection, _: &Source) -> Result<(), ProjectError> {
        self.areas.clear();
        Ok(())
    }

    fn fold(&mut self, record: &Record) -> Result<(), Poison> {
        let area = match Subject::parse(&record.subject) {
            Subject::KeyedEvents(Domain::Control, key) => key.parse::<AreaId>(),
            _ => return Err(Poison("not a subject of this stream".into())),
        };
        let area = area.map_err(|error| Poison::because(&error))?;
        let entry: KeyedEntry<ControlEvent, AreaControl> =
            schemas::decode(&record.payload).map_err(|error| Poison::because(&error))?;
        let opened = entry
            .events
            .iter()
            .any(|event| matches!(event, ControlEvent::AreaOpened { .. }));
        let before = self.areas.get(&area).and_then(|row| row.opened_at);
        self.areas.insert(
            area,
            Opened {
                map: entry.state.map,
                seed: entry.state.seed,
                opened_at: opened.then_some(entry.at).or(before),
                sequence: record.sequence,
            },
        );
        Ok(())
    }

    fn describe(record: &Record) -> Result<serde_json::Value, Poison> {
        described::<KeyedEntry<ControlEvent, AreaControl>>(record)
    }

    async fn write(&mut self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        let rows = std::mem::take(&mut self.areas);
        if rows.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO areas (area, opened_map, opened_seed, opened_at, control_sequence)
             SELECT area, map, seed::NUMERIC, to_timestamp(at / 1000.0), sequence
             FROM UNNEST($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::BIGINT[], $5::BIGINT[])
                  AS new (area, map, seed, at, sequence)
             ON CONFLICT (area) DO UPDATE SET
                opened_map = EXCLUDED.opened_map,
                opened_seed = EXCLUDED.opened_seed,
                opened_at = COALESCE(EXCLUDED.opened_at, areas.opened_at),
                control_sequence = EXCLUDED.control_sequence",
        )
        .bind(keys(&rows))
        .bind(column(&rows, |row| row.map.clone()))
        .bind(column(&rows, |row| row.seed.to_string()))
        .bind(column(&rows, |row| row.opened_at.map(|at| big(at.0))))
        .bind(column(&rows, |row| big(row.sequence.0)))
        .execute(db)
        .await?;
        Ok(())
    }
}
