//! Rows of who was erased go wherever they are: here, and in the schema that a rebuild has kept for going back.
//! (In one that is being filled, they go when the fold comes to the same event.)

use sqlx::{AssertSqlSafe, PgConnection};

/// Deletes the rows of `table` whose `column` is one of `keys`.
pub(crate) async fn delete(
    db: &mut PgConnection,
    (table, column): (&'static str, &'static str),
    keys: &[String],
) -> Result<(), sqlx::Error> {
    let schemas: Vec<String> = sqlx::query_scalar(
        "SELECT schemaname::TEXT FROM pg_tables
         WHERE tablename = $1 AND schemaname IN (current_schema(), current_schema() || '_old')",
    )
    .bind(table)
    .fetch_all(&mut *db)
    .await?;
    for schema in schemas {
        let schema = schema.replace('"', "\"\"");
        let statement = format!("DELETE FROM \"{schema}\".{table} WHERE {column} = ANY($1)");
        sqlx::query(AssertSqlSafe(statement))
            .bind(keys)
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}
