//! The loop of one projection: claim, compare, load, then batch after batch.
//!
//! Whatever goes wrong within a batch, the memory of the projection is thrown away and loaded
//! again from the tables, the same way as after a crash, so there is one way back and it is the
//! tested one.

use std::time::Duration;

use eventlog::{EventLog, Follow, Record};
use metrics::counter;
use runtime::metric_definitions as names;
use runtime::{Backoff, HealthCheck, Shutdown};
use schemas::Sequence;
use sqlx::PgPool;
use tokio::sync::watch;

use crate::batch::{Gathered, gather};
use crate::checkpoint::Checkpoint;
use crate::config::Config;
use crate::error::ProjectError;
use crate::lag;
use crate::parked::Parked;
use crate::position;
use crate::projection::{Poison, Projection};
use crate::transaction::{commit, confirm, fenced};

/// How far to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// On and on, until the shutdown.
    Follow,
    /// To the end of the stream as it is on arrival.
    Head,
    /// To this event and no further.
    Event(Sequence),
}

/// What all projections of a run share.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) config: Config,
    pub(crate) log: EventLog,
    pub(crate) pool: PgPool,
    pub(crate) shutdown: Shutdown,
}

/// One projection at work.
pub(crate) struct Driver<P> {
    projection: P,
    around: Surroundings,
    goal: Goal,
    health: Option<HealthCheck>,
    /// Ours since the first claim; never claimed a second time, for then two instances would take
    /// it from each other for ever.
    owner_epoch: Option<i64>,
    /// Up to here every event gets a transaction of its own, to find the one that is refused.
    singly_until: Sequence,
    /// Found to be refused by the database.
    condemned: Option<(Sequence, String)>,
    progress: watch::Sender<Option<Checkpoint>>,
    backoff: Backoff,
}

impl<P: Projection> Driver<P> {
    pub(crate) fn new(
        projection: P,
        around: Surroundings,
        goal: Goal,
        health: Option<HealthCheck>,
    ) -> Self {
        Self {
            projection,
            around,
            goal,
            health,
            owner_epoch: None,
            singly_until: Sequence(0),
            condemned: None,
            progress: watch::Sender::new(None),
            backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(10)),
        }
    }

    /// Runs until the goal is reached, the shutdown begins, or going on would be wrong.
    pub(crate) async fn run(mut self) -> Result<(), ProjectError> {
        let lag = lag::watch(
            self.around.log.clone(),
            P::NAME,
            P::STREAM,
            self.progress.subscribe(),
        );
        tokio::select! {
            done = self.persist() => done,
            wrong = lag => Err(wrong),
        }
    }

    async fn persist(&mut self) -> Result<(), ProjectError> {
        loop {
            let Err(error) = self.session().await else {
                return Ok(());
            };
            match error {
                ProjectError::RowsRefused {
                    first,
                    last,
                    source,
                } if first == last => {
                    self.condemned = Some((first, Poison::because(&source).0));
                }
                ProjectError::RowsRefused { last, .. } => self.singly_until = last,
                ProjectError::Moved(_) => {}
                error if error.passes() => self.wait(&error).await,
                error => return Err(error),
            }
            if self.around.shutdown.has_begun() {
                return Ok(());
            }
        }
    }

    async fn wait(&mut self, error: &ProjectError) {
        let why = Poison::because(error).0;
        let delay = self.backoff.next_delay();
        tracing::warn!(
            projection = P::NAME,
            error = why,
            retry_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            "cannot project now; the world goes on, the rows will catch up"
        );
        if let Some(health) = &self.health {
            health.not_ready(why);
        }
        self.around
            .shutdown
            .unless_begun(tokio::time::sleep(delay))
            .await;
    }

    async fn session(&mut self) -> Result<(), ProjectError> {
        let around = self.around.clone();
        let (mut checkpoint, mut parked) = self.begin(&around).await?;
        self.progress.send_replace(Some(checkpoint));
        let follow = match self.goal {
            Goal::Follow => Follow::Tail,
            Goal::Head | Goal::Event(_) => Follow::UntilHead,
        };
        let mut reader =
            around
                .log
                .read(P::STREAM, Vec::new(), checkpoint.position.sequence, follow);
        if let Some(health) = &self.health {
            health.ready();
        }
        loop {
            if self.goal == Goal::Event(checkpoint.position.sequence) {
                return Ok(());
            }
            let limit = if checkpoint.position.sequence < self.singly_until {
                1
            } else {
                around.config.batch
            };
            let linger = around.config.linger.duration();
            let more = gather(&mut reader, limit, linger);
            let Some(more) = around.shutdown.unless_begun(more).await else {
                return Ok(());
            };
            let mut batch = match more? {
                Gathered::Events(batch) => batch,
                Gathered::Head => return Ok(()),
                Gathered::Idle => {
                    confirm::<P>(&around.pool, &checkpoint).await?;
                    continue;
                }
            };
            if let Goal::Event(end) = self.goal {
                batch.retain(|record| record.sequence <= end);
            }
            let (Some(first), Some(last)) = (batch.first(), batch.last()) else {
                return Ok(());
            };
            self.fold(&batch, &mut parked);
            let span = (first, last);
            let projection = &mut self.projection;
            checkpoint = commit(&around.pool, &checkpoint, span, projection, &mut parked).await?;
            self.backoff.reset();
            self.progress.send_replace(Some(checkpoint));
            counter!(names::PROJECTOR_EVENTS_TOTAL, "projection" => P::NAME)
                .increment(batch.len() as u64);
        }
    }

    /// Takes or keeps the ownership, compares the position and loads the memory that belongs to it.
    async fn begin(&mut self, around: &Surroundings) -> Result<(Checkpoint, Parked), ProjectError> {
        let incarnation = around.log.stream_info(P::STREAM).await?.incarnation;
        let mut db = around.pool.acquire().await?;
        let mut checkpoint = match self.owner_epoch {
            None => Checkpoint::claim(&mut db, P::NAME, P::STREAM, incarnation).await?,
            Some(ours) => match Checkpoint::load(&mut db, P::NAME).await? {
                Some(found) if found.owner_epoch == ours => found,
                found => return Err(fenced::<P>(ours, found)),
            },
        };
        self.owner_epoch = Some(checkpoint.owner_epoch);
        position::check(&around.log, P::NAME, P::STREAM, &checkpoint).await?;
        checkpoint.adopt(&mut db, P::NAME, incarnation).await?;
        let parked = Parked::load(&mut db, P::NAME).await?;
        self.projection.load(&mut db, &around.log).await?;
        Ok((checkpoint, parked))
    }

    fn fold(&mut self, batch: &[Record], parked: &mut Parked) {
        for record in batch {
            if parked.behind(record) {
                continue;
            }
            let condemned = self
                .condemned
                .as_ref()
                .filter(|(sequence, _)| *sequence == record.sequence);
            let folded = match condemned {
                Some((_, why)) => Err(Poison(format!("the database refuses its rows: {why}"))),
                None => self.projection.fold(record),
            };
            if let Err(Poison(why)) = folded {
                tracing::error!(
                    projection = P::NAME,
                    subject = record.subject,
                    event.seq = record.sequence.0,
                    why,
                    "an event cannot be applied; its key is parked, the others go on"
                );
                counter!(names::PROJECTOR_PARKED_TOTAL, "projection" => P::NAME).increment(1);
                parked.poison(record, &why);
            }
        }
    }
}
