//! Taking over the rows of projections that are not folded anew.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use crate::name::Name;
use crate::tables::{Part, SHARED, TABLES, Table};

/// Copies into the empty tables of schema `to` what stands in those of `from`: of the projections in `kept` everything,
/// of all others only which events operators have given up. One consistent picture; whoever writes to `from` goes on.
pub(crate) async fn copy(
    pool: &PgPool,
    from: &str,
    to: &str,
    kept: &BTreeSet<Name>,
) -> Result<(), sqlx::Error> {
    let mut picture = pool.begin().await?;
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        .execute(&mut *picture)
        .await?;
    let names: Vec<String> = kept.iter().map(ToString::to_string).collect();
    for table in SHARED {
        let all = table == "dropped_events";
        let condition = if all { "TRUE" } else { "projection = ANY ($1)" };
        // Named, not by place: the two may have been brought to this version by different ways.
        let columns = columns(&mut picture, from, table).await?;
        let statement = format!(
            "INSERT INTO {to}.{table} ({columns}) SELECT {columns} FROM {from}.{table} WHERE {condition}"
        );
        let query = sqlx::query(AssertSqlSafe(statement));
        let query = if all { query } else { query.bind(&names) };
        query.execute(&mut *picture).await?;
    }
    for table in &TABLES {
        for part in table.parts {
            if kept.contains(&part.writer) {
                let statement = copying(table, part, from, to);
                sqlx::query(AssertSqlSafe(statement))
                    .execute(&mut *picture)
                    .await?;
            }
        }
    }
    picture.commit().await
}

async fn columns(db: &mut PgConnection, schema: &str, table: &str) -> Result<String, sqlx::Error> {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT quote_ident(column_name) FROM information_schema.columns
         WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position",
    )
    .bind(schema)
    .bind(table)
    .fetch_all(db)
    .await?;
    Ok(names.join(", "))
}

/// The statement that copies one projection's columns of one table; rows of two projections meet at their key.
fn copying(table: &Table, part: &Part, from: &str, to: &str) -> String {
    let name = table.name;
    let key = table.key.join(", ");
    let values = part.columns.join(", ");
    let taken: Vec<String> = part
        .columns
        .iter()
        .map(|column| format!("{column} = EXCLUDED.{column}"))
        .collect();
    let mark = match part.mark {
        "" => "TRUE".to_owned(),
        mark => format!("{mark} IS NOT NULL"),
    };
    format!(
        "INSERT INTO {to}.{name} ({key}, {values}) SELECT {key}, {values} FROM {from}.{name} WHERE {mark}
         ON CONFLICT ({key}) DO UPDATE SET {}",
        taken.join(", ")
    )
}
