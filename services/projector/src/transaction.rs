//! Moving checkpoint and rows together, as long as both are ours.

use eventlog::{Defect, Record, seeded};
use sqlx::PgPool;

use crate::checkpoint::Checkpoint;
use crate::error::{ProjectError, refuses_values};
use crate::parked::Parked;
use crate::projection::Projection;

/// One transaction: the checkpoint goes from `from` to `last`, and what `projection` and `parked`
/// have gathered of `first` to `last` is written.
pub(crate) async fn commit<P: Projection>(
    pool: &PgPool,
    from: &Checkpoint,
    (first, last): (&Record, &Record),
    projection: &mut P,
    parked: &mut Parked,
) -> Result<Checkpoint, ProjectError> {
    let to = from.after(last);
    let refused = |source: sqlx::Error| {
        if refuses_values(&source) {
            ProjectError::RowsRefused {
                first: first.sequence,
                last: last.sequence,
                source,
            }
        } else {
            source.into()
        }
    };
    let mut transaction = pool.begin().await?;
    if !from.advance(&to, last, &mut transaction, P::NAME).await? {
        let found = Checkpoint::load(&mut transaction, P::NAME).await?;
        return Err(displaced::<P>(from.owner_epoch, found));
    }
    if seeded(Defect::CheckpointOutside) {
        transaction.commit().await?;
        transaction = pool.begin().await?;
    }
    projection.write(&mut transaction).await.map_err(refused)?;
    parked.write(&mut transaction, P::NAME).await?;
    transaction.commit().await?;
    Ok(to)
}

/// Looks whether the rows still stand where we left them. A database that has crashed may have
/// taken back the last commits, and with no event to come nothing else would tell.
pub(crate) async fn confirm<P: Projection>(
    pool: &PgPool,
    known: &Checkpoint,
) -> Result<(), ProjectError> {
    let mut db = pool.acquire().await?;
    match Checkpoint::load(&mut db, P::NAME).await? {
        Some(found) if found == *known => Ok(()),
        found => Err(displaced::<P>(known.owner_epoch, found)),
    }
}

/// The checkpoint is not where we left it: moved by a crash or a rebuild, or by another owner.
fn displaced<P: Projection>(ours: i64, found: Option<Checkpoint>) -> ProjectError {
    match found {
        Some(found) if found.owner_epoch == ours => ProjectError::Moved(P::NAME),
        found => fenced::<P>(ours, found),
    }
}

/// Somebody else owns the rows.
pub(crate) fn fenced<P: Projection>(ours: i64, found: Option<Checkpoint>) -> ProjectError {
    ProjectError::Fenced {
        projection: P::NAME,
        ours,
        theirs: found.map_or(0, |found| found.owner_epoch),
    }
}
