//! A part of a retry that fits into one transaction.

use eventlog::Record;
use sqlx::{PgConnection, PgPool};

use super::look::one;
use crate::checkpoint::Checkpoint;
use crate::columns::big;
use crate::dropped::Dropped;
use crate::error::{ProjectError, refuses_values};
use crate::folding::{self, Folded};
use crate::projection::{Poison, Projection};

/// What a slice has come to.
pub(super) enum Slice {
    /// More to do.
    On,
    /// Nothing waits any more.
    Free,
    /// The key is parked at the next event that cannot be applied.
    Poison,
}

/// One slice, one transaction.
pub(super) async fn apply<P: Projection>(
    pool: &PgPool,
    projection: &mut P,
    key: &str,
    batch: &[Record],
    dropped: &Dropped,
) -> Result<(u64, Slice), ProjectError> {
    let mut transaction = pool.begin().await?;
    // The projector that runs takes it first, too, so we wait for each other here and nowhere else.
    Checkpoint::hold(&mut transaction, P::NAME).await?;
    let parked = one(&mut transaction, P::ID, key).await?;
    let mut applied = 0;
    let mut poison = None;
    // What comes after the last that is known to be parked is still the projector's.
    let parked_of_batch = batch.iter().filter(|record| record.sequence <= parked.last);
    let mut folded_up_to = None;
    for record in parked_of_batch {
        match folding::fold(projection, record, dropped) {
            Folded::Yes => applied += 1,
            Folded::Poison(Poison(why)) => {
                poison = Some((record, why));
                break;
            }
            Folded::Broken(Poison(why)) => {
                let sequence = record.sequence;
                return Err(ProjectError::FoldBroken { sequence, why });
            }
        }
        folded_up_to = Some(record);
    }
    if let (Some(first), Some(last)) = (batch.first(), folded_up_to) {
        let refused = |source: sqlx::Error| match refuses_values(&source) {
            true => ProjectError::RowsRefused {
                first: first.sequence,
                last: last.sequence,
                source,
            },
            false => source.into(),
        };
        projection.write(&mut transaction).await.map_err(refused)?;
    }
    let after = match (poison, folded_up_to) {
        (Some((record, why)), _) => {
            park(&mut transaction, P::NAME, key, applied, record, &why).await?;
            Slice::Poison
        }
        (None, Some(last)) if last.sequence < parked.last => {
            advance(&mut transaction, P::NAME, key, applied, last).await?;
            Slice::On
        }
        (None, _) => {
            free(&mut transaction, P::NAME, key).await?;
            Slice::Free
        }
    };
    transaction.commit().await?;
    Ok((applied, after))
}

/// The parked row after `applied` of its events, with the next poison.
pub(super) async fn park(
    db: &mut PgConnection,
    projection: &str,
    key: &str,
    applied: u64,
    poison: &Record,
    why: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE parked_events SET poison_sequence = $4, poison_at = to_timestamp($5 / 1000.0), reason = $6,
                                  events = events - $3
         WHERE projection = $1 AND key = $2",
    )
    .bind(projection)
    .bind(key)
    .bind(big(applied))
    .bind(big(poison.sequence.0))
    .bind(big(poison.stored_at.0))
    .bind(why.replace('\0', "\u{fffd}"))
    .execute(db)
    .await
    .map(drop)
}

/// The parked row in the midst of a retry: whatever comes after `last` waits.
async fn advance(
    db: &mut PgConnection,
    projection: &str,
    key: &str,
    applied: u64,
    last: &Record,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE parked_events SET poison_sequence = $4, events = events - $3 WHERE projection = $1 AND key = $2",
    )
    .bind(projection)
    .bind(key)
    .bind(big(applied))
    .bind(big(last.sequence.0 + 1))
    .execute(db)
    .await
    .map(drop)
}

/// The key is parked no more.
pub(super) async fn free(
    db: &mut PgConnection,
    projection: &str,
    key: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM parked_events WHERE projection = $1 AND key = $2")
        .bind(projection)
        .bind(key)
        .execute(&mut *db)
        .await?;
    Checkpoint::next_generation(db, projection).await
}
