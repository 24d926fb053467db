//! All rows as text, to be compared: the same log must give the same dump.

use std::collections::BTreeMap;
use std::fmt;

use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::config::Config;
use crate::database;
use crate::error::ProjectError;
use crate::tables::TABLES;

/// Tables with rows for any projection: what of them to show, and in which order. Left out is what tells of the
/// projector and not of the log: the owner's epoch, the rows' generation and the saved states.
const SHARED: [(&str, &str, &str); 3] = [
    (
        "checkpoints",
        "to_jsonb(t) - 'owner_epoch' - 'generation'",
        "projection",
    ),
    ("dropped_events", "to_jsonb(t)", "projection, key, sequence"),
    ("parked_events", "to_jsonb(t)", "projection, key"),
];

fn names() -> impl Iterator<Item = &'static str> {
    let folded = TABLES.iter().map(|table| table.name);
    folded.chain(SHARED.map(|(table, ..)| table))
}

/// The rows of all tables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dump(BTreeMap<&'static str, Vec<String>>);

impl Dump {
    /// How many rows there are in all.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// The rows of one table.
    #[must_use]
    pub fn table(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// What `other` has differently: lines that open with `-` (only here) or `+` (only there).
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        for table in names() {
            let (here, there) = (self.table(table), other.table(table));
            let only = |sign, rows: &[String], others: &[String]| {
                let others: std::collections::BTreeSet<_> = others.iter().collect();
                rows.iter()
                    .filter(|row| !others.contains(row))
                    .map(|row| format!("{sign} {table} {row}"))
                    .collect::<Vec<_>>()
            };
            lines.extend(only('-', here, there));
            lines.extend(only('+', there, here));
        }
        lines
    }
}

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (table, rows) in &self.0 {
            for row in rows {
                writeln!(f, "{table} {row}")?;
            }
        }
        Ok(())
    }
}

/// Dumps the tables of `config.schema`.
///
/// # Errors
/// When the database does not answer or the tables are not there.
pub async fn dump(config: &Config) -> Result<Dump, ProjectError> {
    let pool = database::connect(config)?;
    let mut db = pool.acquire().await?;
    let dumped = dump_with(&mut db).await;
    drop(db);
    pool.close().await;
    Ok(dumped?)
}

pub(crate) async fn dump_with(db: &mut PgConnection) -> Result<Dump, sqlx::Error> {
    let mut tables = BTreeMap::new();
    let folded = TABLES
        .iter()
        .map(|table| (table.name, "to_jsonb(t)", table.key.join(", ")));
    let shared = SHARED.map(|(table, shown, order)| (table, shown, order.to_owned()));
    for (table, shown, order) in folded.chain(shared) {
        let select = format!("SELECT ({shown})::TEXT FROM {table} t ORDER BY {order}");
        let rows = sqlx::query(AssertSqlSafe(select))
            .fetch_all(&mut *db)
            .await?;
        let rows = rows.iter().map(|row| row.try_get(0));
        tables.insert(table, rows.collect::<Result<Vec<String>, _>>()?);
    }
    Ok(Dump(tables))
}
