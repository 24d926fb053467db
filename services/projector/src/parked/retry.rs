//! Applying what is parked, in place, while everything runs.
//!
//! Slice by slice: each is one transaction that holds the projection's checkpoint, writes the rows of some events and
//! moves the parked row on. What comes for the key meanwhile is parked behind, and taken up by a later slice. The last
//! slice removes the row and raises the rows' generation, so that the projector that runs takes the key up again.

use eventlog::Follow;
use past::Past;
use runtime::Shutdown;
use schemas::Sequence;
use serde::Serialize;
use sqlx::PgPool;

use super::look::{ParkedKey, one};
use super::slice::{Slice, apply, park};
use crate::batch::{Gathered, gather};
use crate::config::Config;
use crate::database::{self, Exclusive};
use crate::driver::Surroundings;
use crate::dropped::Dropped;
use crate::error::ProjectError;
use crate::name::{Name, Visitor};
use crate::projection::{Poison, Projection, Source};
use crate::pulse::Pulse;

/// What a retry has come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retried {
    /// Events that are in the rows now, or were left out by an operator's word.
    pub applied: u64,
    /// Where it stopped; `None`: the key is parked no more.
    pub still: Option<ParkedKey>,
}

/// Applies the parked events of one key.
///
/// # Errors
/// [`ProjectError::NotParked`]; [`ProjectError::Interrupted`] (what is applied stays applied); whatever keeps us from
/// reading and writing. That an event still cannot be applied is none.
pub async fn retry(
    config: &Config,
    past: &Past,
    projection: Name,
    key: &str,
    shutdown: &Shutdown,
) -> Result<Retried, ProjectError> {
    let _exclusive = Exclusive::take(config).await?;
    retry_held(config, past, projection, key, shutdown).await
}

/// As [`retry`], by whoever has the exclusive right already.
pub(super) async fn retry_held(
    config: &Config,
    past: &Past,
    projection: Name,
    key: &str,
    shutdown: &Shutdown,
) -> Result<Retried, ProjectError> {
    let around = Surroundings::new(config, past, shutdown)?;
    let pool = database::connect(config)?;
    let trying = Trying {
        around: &around,
        pool: &pool,
        key,
    };
    let done = projection.visit(config, trying).await;
    pool.close().await;
    done
}

/// A retry of one key.
#[derive(Clone, Copy)]
struct Trying<'a> {
    around: &'a Surroundings,
    pool: &'a PgPool,
    key: &'a str,
}

impl<'a> Visitor for Trying<'a> {
    type Output =
        std::pin::Pin<Box<dyn Future<Output = Result<Retried, ProjectError>> + Send + 'a>>;

    fn visit<P: Projection>(self, projection: P) -> Self::Output {
        Box::pin(self.all_of(projection))
    }
}

/// How a round has ended.
enum Round {
    /// The memory has to be loaded again.
    Anew,
    /// The key is free.
    Free,
    /// The key is parked at an event that cannot be applied.
    Still,
}

/// What goes from round to round.
struct Far {
    applied: u64,
    /// Up to here every event gets a transaction of its own, to find the one that is refused.
    singly_until: Sequence,
}

impl Trying<'_> {
    async fn all_of<P: Projection>(self, mut projection: P) -> Result<Retried, ProjectError> {
        let source = self.around.source(&Pulse::new());
        let mut far = Far {
            applied: 0,
            singly_until: Sequence(0),
        };
        let still = loop {
            match self.round(&mut projection, &source, &mut far).await? {
                Round::Anew => {}
                Round::Free => break None,
                Round::Still => break Some(self.parked::<P>().await?),
            }
        };
        Ok(Retried {
            applied: far.applied,
            still,
        })
    }

    async fn parked<P: Projection>(&self) -> Result<ParkedKey, ProjectError> {
        let mut db = self.pool.acquire().await?;
        one(&mut db, P::ID, self.key).await
    }

    /// From the parked event on, as long as the memory is good.
    async fn round<P: Projection>(
        &self,
        projection: &mut P,
        source: &Source,
        far: &mut Far,
    ) -> Result<Round, ProjectError> {
        let config = &self.around.config;
        let dropped = {
            let mut db = self.pool.acquire().await?;
            projection.load_key(&mut db, source, self.key).await?;
            Dropped::load(&mut db, P::NAME).await?
        };
        let before = before(&self.parked::<P>().await?);
        let filter = vec![self.key.to_owned()];
        let mut reader = source
            .past
            .read(P::STREAM, filter, before, Follow::UntilHead);
        loop {
            if self.around.shutdown.has_begun() {
                return Err(ProjectError::Interrupted);
            }
            let parked = self.parked::<P>().await?;
            let limit = match parked.sequence <= far.singly_until {
                true => 1,
                false => config.batch,
            };
            let batch = match gather(&mut reader, limit, config).await? {
                Gathered::Events(batch) => batch,
                Gathered::Head | Gathered::Idle if parked.sequence > parked.last => Vec::new(),
                // New ones have come since this reader looked for its head.
                Gathered::Head | Gathered::Idle => {
                    self.there(source, P::STREAM, &parked).await?;
                    return Ok(Round::Anew);
                }
            };
            let (up_to, why) = match apply(self.pool, projection, self.key, &batch, &dropped).await
            {
                Ok((applied, slice)) => {
                    far.applied += applied;
                    match slice {
                        Slice::On => continue,
                        Slice::Free => return Ok(Round::Free),
                        Slice::Poison => return Ok(Round::Still),
                    }
                }
                Err(ProjectError::RowsRefused { last, source, .. }) => {
                    let why = Poison::because(&source).0;
                    (last, format!("the database refuses its rows: {why}"))
                }
                Err(ProjectError::FoldBroken { sequence, why }) => (sequence, why),
                Err(error) => return Err(error),
            };
            return match batch.first() {
                Some(alone) if alone.sequence == up_to => {
                    let mut db = self.pool.acquire().await?;
                    park(&mut db, P::NAME, self.key, 0, alone, &why).await?;
                    Ok(Round::Still)
                }
                _ => {
                    far.singly_until = up_to;
                    Ok(Round::Anew)
                }
            };
        }
    }

    /// Whether the key still has events from where it is parked on.
    async fn there(
        &self,
        source: &Source,
        stream: &'static str,
        parked: &ParkedKey,
    ) -> Result<(), ProjectError> {
        let filter = vec![self.key.to_owned()];
        let mut reader = source
            .past
            .read(stream, filter, before(parked), Follow::UntilHead);
        match reader.next().await? {
            Some(_) => Ok(()),
            None => Err(ProjectError::NotThere {
                stream,
                sequence: parked.sequence,
            }),
        }
    }
}

fn before(parked: &ParkedKey) -> Sequence {
    Sequence(parked.sequence.0.saturating_sub(1))
}
