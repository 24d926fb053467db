//! Rows of who was erased go wherever they are: here, and in the schemas beside. There is the one that a rebuild has kept
//! for going back, and the one that it was filling when it was interrupted. (While it is filled, they go once more when
//! the fold comes to the same event.) What a check has left that was killed goes as a whole.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::check::AtWork;
use crate::config::analytics;
use crate::name::Name;
use crate::tables::TABLES;

/// Deletes the rows of `table` whose `column` is one of `keys`.
pub(crate) async fn delete(
    db: &mut PgConnection,
    (table, column): (&'static str, &'static str),
    keys: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query(AssertSqlSafe(format!(
        "DELETE FROM {table} WHERE {column} = ANY($1)"
    )))
    .bind(keys)
    .execute(&mut *db)
    .await?;
    for schema in beside(db, table).await? {
        let statement = format!("DELETE FROM \"{schema}\".{table} WHERE {column} = ANY($1)");
        unless_dropped(db, statement, keys).await?;
    }
    drop_abandoned_check(db).await
}

/// Empties, in the schemas beside, the columns of `writer` in rows of `table` that hold those of others too.
pub(crate) async fn empty(
    db: &mut PgConnection,
    (table, key): (&'static str, &'static str),
    writer: Name,
    keys: &[String],
) -> Result<(), sqlx::Error> {
    let written: Vec<&str> = TABLES
        .iter()
        .filter(|known| known.name == table)
        .flat_map(|known| known.parts)
        .filter(|part| part.writer == writer)
        .flat_map(|part| part.columns)
        .copied()
        .collect();
    for schema in beside(db, table).await? {
        // An older build may have made it: not all of them need be there.
        let there: Vec<String> = sqlx::query_scalar(
            "SELECT quote_ident(column_name) || ' = NULL' FROM information_schema.columns
             WHERE table_schema = $1 AND table_name = $2 AND column_name = ANY($3)",
        )
        .bind(&schema)
        .bind(table)
        .bind(&written)
        .fetch_all(&mut *db)
        .await?;
        if there.is_empty() {
            continue;
        }
        let emptied = there.join(", ");
        let statement = format!("UPDATE \"{schema}\".{table} SET {emptied} WHERE {key} = ANY($1)");
        unless_dropped(db, statement, keys).await?;
    }
    Ok(())
}

/// The schemas beside this one in which there is such a table. Their names are made from one that `Config` has checked.
async fn beside(db: &mut PgConnection, table: &str) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT schemaname::TEXT FROM pg_tables
         WHERE tablename = $1 AND schemaname IN (current_schema() || '_old', current_schema() || '_rebuild')",
    )
    .bind(table)
    .fetch_all(db)
    .await
}

/// Executes a statement on a schema that a rebuild may drop while we wait for its tables: then nothing is left to be done.
async fn unless_dropped(
    db: &mut PgConnection,
    statement: String,
    keys: &[String],
) -> Result<(), sqlx::Error> {
    let mut within = db.begin().await?;
    let done = sqlx::query(AssertSqlSafe(statement))
        .bind(keys)
        .execute(&mut *within)
        .await;
    match done {
        Err(error) if is_gone(&error) => within.rollback().await,
        Err(error) => Err(error),
        Ok(_) => within.commit().await,
    }
}

/// No such schema, or no such table.
fn is_gone(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|answer| answer.code());
    code.is_some_and(|code| ["3F000", "42P01"].contains(&&*code))
}

/// What a check at work has folded is compared with how the rows were before, and dropped by itself.
async fn drop_abandoned_check(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    let left: Option<String> = sqlx::query_scalar(
        "SELECT current_schema()::TEXT FROM pg_namespace WHERE nspname = current_schema() || '_check'",
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(live) = left else {
        return Ok(());
    };
    if !AtWork::keep_out(db, &live).await? {
        return Ok(());
    }
    let check = format!("{live}_check");
    for name in [analytics(&check), check] {
        let statement = format!("DROP SCHEMA IF EXISTS \"{name}\" CASCADE");
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}
