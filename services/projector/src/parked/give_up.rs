//! Giving up a parked event: the rows go without it, and a reason stands beside them.
//!
//! What one event of a keyed aggregate says is said again by the state in the next, so it can be left out alone. A frame
//! of an area cannot, unless it folds and only its rows are refused: all later frames build on it. Then the key is given
//! up from there on, and its rows stay as they are. But whoever is given up can still be erased, now or later.

use eventlog::Follow;
use past::{Past, PastReader};
use runtime::Shutdown;
use schemas::Sequence;
use sqlx::{PgConnection, PgPool};

use super::look::{ParkedKey, one};
use super::retry::{Retried, retry_held};
use super::slice::free;
use crate::checkpoint::Checkpoint;
use crate::columns::big;
use crate::config::Config;
use crate::database::{self, Exclusive};
use crate::driver::Surroundings;
use crate::error::ProjectError;
use crate::name::{Name, Visitor};
use crate::projection::{Poison, Projection, Source};
use crate::pulse::Pulse;

/// Who gives up what, and why.
#[derive(Debug, Clone)]
pub struct GiveUp {
    /// Whose rows.
    pub projection: Name,
    /// The parked key; the event at which it stands is given up.
    pub key: String,
    /// And all of the key that comes after it, now and for good.
    pub and_behind: bool,
    /// In the operator's words.
    pub reason: String,
    /// Who.
    pub actor: String,
}

/// Leaves the event at which a key is parked out of the rows, for good, and applies what waits behind it.
///
/// # Errors
/// [`ProjectError::NotParked`]; [`ProjectError::NeededLater`]; as [`retry`](super::retry)'s.
pub async fn give_up(
    config: &Config,
    past: &Past,
    what: &GiveUp,
    shutdown: &Shutdown,
) -> Result<Retried, ProjectError> {
    let _exclusive = Exclusive::take(config).await?;
    let around = Surroundings::new(config, past, shutdown)?;
    let pool = database::connect(config)?;
    let recorded = record(&pool, &around, what).await;
    pool.close().await;
    if recorded? {
        let (projection, key) = (what.projection, &what.key);
        return retry_held(config, past, projection, key, shutdown).await;
    }
    Ok(Retried {
        applied: 0,
        still: None,
    })
}

/// Writes it down; whether there is something behind it to be applied.
async fn record(pool: &PgPool, around: &Surroundings, what: &GiveUp) -> Result<bool, ProjectError> {
    let name = what.projection.as_str();
    let mut transaction = pool.begin().await?;
    Checkpoint::hold(&mut transaction, name).await?;
    let parked = one(&mut transaction, what.projection, &what.key).await?;
    let dropping = Dropping {
        db: &mut transaction,
        source: &around.source(&Pulse::new()),
        parked: &parked,
        and_behind: what.and_behind,
    };
    what.projection.visit(&around.config, dropping).await?;
    sqlx::query(
        "INSERT INTO dropped_events (projection, key, sequence, and_behind, why, reason, actor, dropped_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, now())
         ON CONFLICT (projection, key, sequence) DO UPDATE
         SET and_behind = EXCLUDED.and_behind, reason = EXCLUDED.reason, actor = EXCLUDED.actor,
             dropped_at = EXCLUDED.dropped_at",
    )
    .bind(name)
    .bind(&what.key)
    .bind(big(parked.sequence.0))
    .bind(what.and_behind)
    .bind(&parked.reason)
    .bind(&what.reason)
    .bind(&what.actor)
    .execute(&mut *transaction)
    .await?;
    if what.and_behind {
        free(&mut transaction, name, &what.key).await?;
    }
    transaction.commit().await?;
    Ok(!what.and_behind)
}

/// What a projection has to say to a drop.
struct Dropping<'a> {
    db: &'a mut PgConnection,
    source: &'a Source,
    parked: &'a ParkedKey,
    and_behind: bool,
}

impl<'a> Visitor for Dropping<'a> {
    type Output = std::pin::Pin<Box<dyn Future<Output = Result<(), ProjectError>> + Send + 'a>>;

    fn visit<P: Projection>(self, projection: P) -> Self::Output {
        match self.and_behind {
            true => Box::pin(self.forget(projection)),
            false => Box::pin(self.ask(projection)),
        }
    }
}

impl Dropping<'_> {
    /// Whether it can do without the event at which the key is parked.
    async fn ask<P: Projection>(self, mut projection: P) -> Result<(), ProjectError> {
        let mut reader = self.waiting::<P>();
        let Self {
            db, source, parked, ..
        } = self;
        projection.load_key(db, source, &parked.key).await?;
        let Some(record) = reader.next().await? else {
            return Err(ProjectError::NotThere {
                stream: P::STREAM,
                sequence: parked.sequence,
            });
        };
        projection
            .leave_out(&record)
            .map_err(|Poison(why)| ProjectError::NeededLater {
                key: parked.key.clone(),
                sequence: record.sequence,
                why,
            })
    }

    /// Nothing of what waits will be folded; if a person was erased in it, their rows go here.
    async fn forget<P: Projection>(self, mut projection: P) -> Result<(), ProjectError> {
        if !P::PERSONAL {
            return Ok(());
        }
        let mut reader = self.waiting::<P>();
        while let Some(record) = reader.next().await?
            && record.sequence <= self.parked.last
        {
            projection.forget(&record);
        }
        projection.write(self.db).await.map_err(ProjectError::from)
    }

    /// The key's events from the one at which it is parked on.
    fn waiting<P: Projection>(&self) -> PastReader {
        let before = Sequence(self.parked.sequence.0.saturating_sub(1));
        let filter = vec![self.parked.key.clone()];
        let past = &self.source.past;
        past.read(P::STREAM, filter, before, Follow::UntilHead)
    }
}
