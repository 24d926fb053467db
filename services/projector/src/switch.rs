//! Putting one schema in the place of another, in one transaction.
//!
//! Whoever reads finds the one set of rows or the other, never a mixture, and never older rows than a moment before: the
//! new ones are folded up to where the old ones stand while the checkpoints of the old are held. Nobody who reads is
//! waited for: renaming a schema touches no table.

use schemas::Sequence;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row};

use crate::config::analytics;
use crate::database::has_schema;
use crate::driver::{Goal, Surroundings};
use crate::error::ProjectError;
use crate::goals::Goals;
use crate::name::Name;
use crate::service::project;

/// Which schemas change places.
pub(crate) struct Switch<'a> {
    /// Served until now.
    pub(crate) live: &'a str,
    /// To be served from now on.
    pub(crate) aside: &'a str,
    /// What `live` is called afterwards; may be `aside` itself.
    pub(crate) kept: &'a str,
}

impl Switch<'_> {
    /// Switches. With `fill`, the rows aside are first folded up to where the live ones stand.
    ///
    /// # Errors
    /// When anything fails nothing has changed places.
    pub(crate) async fn run(
        &self,
        pool: &PgPool,
        fill: Option<&Surroundings>,
    ) -> Result<(), ProjectError> {
        let views = [
            has_views(pool, self.live).await?,
            has_views(pool, self.aside).await?,
        ];
        let mut transaction = pool.begin().await?;
        let Self { live, aside, kept } = self;
        // Waits for the transaction that a running projector is in, and lets no other begin.
        execute(&mut transaction, "SET LOCAL lock_timeout = '10s'").await?;
        let lock = format!("LOCK TABLE {live}.checkpoints IN EXCLUSIVE MODE");
        execute(&mut transaction, &lock).await?;
        if let Some(around) = fill {
            let goals = stand(&mut transaction, live).await?;
            project(around, &goals, |_| None).await?;
            if around.shutdown.has_begun() {
                return Err(ProjectError::Interrupted);
            }
        }
        // A projector that runs stays the owner, and finds rows of another generation: it loads again.
        let hand_over = format!(
            "UPDATE {aside}.checkpoints new
             SET owner_epoch = old.owner_epoch, generation = GREATEST(new.generation, old.generation) + 1
             FROM {live}.checkpoints old WHERE old.projection = new.projection"
        );
        execute(&mut transaction, &hand_over).await?;
        let open = format!("GRANT USAGE ON SCHEMA {aside} TO PUBLIC");
        execute(&mut transaction, &open).await?;
        let note = format!("COMMENT ON SCHEMA {aside} IS 'Rows folded from the log.'");
        execute(&mut transaction, &note).await?;
        let between = format!("{live}_switch");
        for (from, to) in [
            (*live, between.as_str()),
            (*aside, *live),
            (between.as_str(), *kept),
        ] {
            rename(&mut transaction, from, to).await?;
            let has_views = match from {
                from if from == *aside => views[1],
                _ => views[0],
            };
            if has_views {
                rename(&mut transaction, &analytics(from), &analytics(to)).await?;
            }
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// Tables of an older build have no views beside them.
async fn has_views(pool: &PgPool, schema: &str) -> Result<bool, sqlx::Error> {
    has_schema(pool, &analytics(schema)).await
}

async fn rename(db: &mut PgConnection, from: &str, to: &str) -> Result<(), sqlx::Error> {
    execute(db, &format!("ALTER SCHEMA {from} RENAME TO {to}")).await
}

/// All names are checked by `Config` or made from such.
async fn execute(db: &mut PgConnection, statement: &str) -> Result<(), sqlx::Error> {
    sqlx::query(AssertSqlSafe(statement.to_owned()))
        .execute(db)
        .await
        .map(drop)
}

/// Where the rows of a schema stand.
async fn stand(db: &mut PgConnection, schema: &str) -> Result<Goals, sqlx::Error> {
    let statement = format!("SELECT projection, sequence FROM {schema}.checkpoints");
    let rows = sqlx::query(AssertSqlSafe(statement)).fetch_all(db).await?;
    let mut goals = Goals::default();
    for row in rows {
        let projection: &str = row.try_get(0)?;
        let sequence = u64::try_from(row.try_get::<i64, _>(1)?).unwrap_or(0);
        let known = Name::ALL
            .into_iter()
            .find(|name| name.as_str() == projection);
        if let Some(name) = known {
            goals.set(name, Goal::Event(Sequence(sequence)));
        }
    }
    Ok(goals)
}
