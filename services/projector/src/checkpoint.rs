//! How far a projection has folded its stream, and who may move that on.

use eventlog::{Position, Record};
use schemas::Sequence;
use schemas::ids::{Digest, Incarnation};
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};

use crate::columns::big;

/// A row of `checkpoints`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) position: Position,
    pub(crate) owner_epoch: i64,
    /// Which generation of the rows it belongs to; operators raise it.
    pub(crate) generation: i64,
}

fn read_position(row: &PgRow) -> Result<Position, sqlx::Error> {
    let unreadable = |error| sqlx::Error::Decode(Box::new(error));
    let sequence: i64 = row.try_get("sequence")?;
    let text = |name| row.try_get::<&str, _>(name);
    Ok(Position {
        incarnation: text("incarnation")?.parse().map_err(unreadable)?,
        sequence: Sequence(u64::try_from(sequence).unwrap_or(0)),
        digest: text("digest")?.parse().map_err(unreadable)?,
    })
}

impl Checkpoint {
    fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            position: read_position(row)?,
            owner_epoch: row.try_get("owner_epoch")?,
            generation: row.try_get("generation")?,
        })
    }

    /// Makes us the owner: from here on every transaction of an earlier owner is refused.
    pub(crate) async fn claim(
        db: &mut PgConnection,
        projection: &str,
        stream: &str,
        incarnation: Incarnation,
    ) -> Result<Self, sqlx::Error> {
        let mut db = db.begin().await?;
        // A crash of the database may take back rows, but never an epoch that somebody believes to hold.
        sqlx::query("SET LOCAL synchronous_commit = on")
            .execute(&mut *db)
            .await?;
        let row = sqlx::query(
            "INSERT INTO checkpoints (projection, stream, incarnation, sequence, digest, owner_epoch)
             VALUES ($1, $2, $3, 0, $4, 1)
             ON CONFLICT (projection) DO UPDATE SET owner_epoch = checkpoints.owner_epoch + 1
             RETURNING incarnation, sequence, digest, owner_epoch, generation",
        )
        .bind(projection)
        .bind(stream)
        .bind(incarnation.to_string())
        .bind(Digest::default().to_string())
        .fetch_one(&mut *db)
        .await?;
        db.commit().await?;
        Self::read(&row)
    }

    /// Counts on in the stream's present life, when it was restored with all that is folded here.
    pub(crate) async fn adopt(
        &mut self,
        db: &mut PgConnection,
        projection: &str,
        incarnation: Incarnation,
    ) -> Result<(), sqlx::Error> {
        if self.position.incarnation == incarnation {
            return Ok(());
        }
        sqlx::query(
            "UPDATE checkpoints SET incarnation = $3 WHERE projection = $1 AND owner_epoch = $2",
        )
        .bind(projection)
        .bind(self.owner_epoch)
        .bind(incarnation.to_string())
        .execute(db)
        .await?;
        self.position.incarnation = incarnation;
        Ok(())
    }

    /// As it stands, whoever owns it; `None` before the first owner.
    pub(crate) async fn load(
        db: &mut PgConnection,
        projection: &str,
    ) -> Result<Option<Self>, sqlx::Error> {
        sqlx::query(
            "SELECT incarnation, sequence, digest, owner_epoch, generation FROM checkpoints WHERE projection = $1",
        )
        .bind(projection)
        .fetch_optional(db)
        .await?
        .as_ref()
        .map(Self::read)
        .transpose()
    }

    /// The position alone, also in tables of an older build.
    pub(crate) async fn position(
        db: &mut PgConnection,
        projection: &str,
    ) -> Result<Option<Position>, sqlx::Error> {
        sqlx::query("SELECT incarnation, sequence, digest FROM checkpoints WHERE projection = $1")
            .bind(projection)
            .fetch_optional(db)
            .await?
            .as_ref()
            .map(read_position)
            .transpose()
    }

    /// As [`Checkpoint::load`]; until the transaction ends nobody else moves it.
    pub(crate) async fn hold(
        db: &mut PgConnection,
        projection: &str,
    ) -> Result<Option<Self>, sqlx::Error> {
        sqlx::query(
            "SELECT incarnation, sequence, digest, owner_epoch, generation FROM checkpoints WHERE projection = $1
             FOR UPDATE",
        )
        .bind(projection)
        .fetch_optional(db)
        .await?
        .as_ref()
        .map(Self::read)
        .transpose()
    }

    /// Makes a projector that runs forget what it remembers of the rows.
    pub(crate) async fn next_generation(
        db: &mut PgConnection,
        projection: &str,
    ) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE checkpoints SET generation = generation + 1 WHERE projection = $1")
            .bind(projection)
            .execute(db)
            .await
            .map(drop)
    }

    /// Where it will stand once `last` is folded.
    pub(crate) fn after(&self, last: &Record) -> Self {
        Self {
            position: last.position(self.position.incarnation),
            ..*self
        }
    }

    /// Moves it from `self` to `next` within a transaction; false when it no longer stands there or
    /// is no longer ours. Goes first in its transaction, so that owners wait for each other here.
    pub(crate) async fn advance(
        &self,
        next: &Self,
        last: &Record,
        db: &mut PgConnection,
        projection: &str,
    ) -> Result<bool, sqlx::Error> {
        let moved = sqlx::query(
            "UPDATE checkpoints SET sequence = $4, digest = $5, updated_at = to_timestamp($6 / 1000.0)
             WHERE projection = $1 AND owner_epoch = $2 AND sequence = $3 AND generation = $7",
        )
        .bind(projection)
        .bind(self.owner_epoch)
        .bind(big(self.position.sequence.0))
        .bind(big(next.position.sequence.0))
        .bind(next.position.digest.to_string())
        .bind(big(last.stored_at.0))
        .bind(self.generation)
        .execute(db)
        .await?;
        Ok(moved.rows_affected() == 1)
    }
}
