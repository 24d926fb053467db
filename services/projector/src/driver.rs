//! The loop of one projection: claim, compare, load, then batch after batch.
//!
//! Whatever goes wrong within a batch, the memory of the projection is thrown away and loaded
//! again from the tables, the same way as after a crash, so there is one way back and it is the
//! tested one. One that hangs is sent the same way.

use std::time::Duration;

use eventlog::{EventLog, Follow, Record};
use metrics::{counter, gauge};
use past::Past;
use runtime::metric_definitions as names;
use runtime::{Backoff, HealthCheck, Shutdown};
use schemas::Sequence;
use sqlx::PgPool;
use tokio::sync::watch;

use crate::batch::{Gathered, gather};
use crate::board::Board;
use crate::checkpoint::Checkpoint;
use crate::config::Config;
use crate::database;
use crate::dropped::Dropped;
use crate::error::ProjectError;
use crate::folding::{self, Folded};
use crate::lag;
use crate::parked::Parked;
use crate::position;
use crate::projection::{Poison, Projection, Source};
use crate::pulse::Pulse;
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
    pub(crate) past: Past,
    pub(crate) log: EventLog,
    pub(crate) board: Board,
    pub(crate) shutdown: Shutdown,
}

impl Surroundings {
    /// Where events are read from; the broker must be among it.
    pub(crate) fn new(
        config: &Config,
        past: &Past,
        shutdown: &Shutdown,
    ) -> Result<Self, ProjectError> {
        Ok(Self {
            config: config.clone(),
            past: past.clone(),
            log: past.log().ok_or(ProjectError::NoBroker)?.clone(),
            board: Board::default(),
            shutdown: shutdown.clone(),
        })
    }

    pub(crate) fn source(&self, pulse: &Pulse) -> Source {
        Source {
            past: self.past.clone(),
            log: self.log.clone(),
            pulse: pulse.clone(),
        }
    }
}

/// What a session knows besides the projection's own memory.
struct Session {
    checkpoint: Checkpoint,
    parked: Parked,
    dropped: Dropped,
}

/// One projection at work.
pub(crate) struct Driver<P> {
    projection: P,
    around: Surroundings,
    source: Source,
    pool: PgPool,
    goal: Goal,
    health: Option<HealthCheck>,
    /// Ours since the first claim; never claimed a second time, for then two instances would take
    /// it from each other for ever.
    owner_epoch: Option<i64>,
    /// Up to here every event gets a transaction of its own, to find the one that is refused.
    singly_until: Sequence,
    /// Found to be refused by the database, or to break the fold.
    condemned: Option<(Sequence, String)>,
    progress: watch::Sender<Option<Checkpoint>>,
    pulse: Pulse,
    backoff: Backoff,
}

impl<P: Projection> Driver<P> {
    pub(crate) fn new(
        projection: P,
        around: Surroundings,
        goal: Goal,
        health: Option<HealthCheck>,
    ) -> Result<Self, ProjectError> {
        let pulse = Pulse::new();
        Ok(Self {
            projection,
            source: around.source(&pulse),
            pool: database::connect_bounded(&around.config)?,
            around,
            goal,
            health,
            owner_epoch: None,
            singly_until: Sequence(0),
            condemned: None,
            progress: watch::Sender::new(None),
            pulse,
            backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(10)),
        })
    }

    /// Runs until the goal is reached, the shutdown begins, or going on would be wrong.
    pub(crate) async fn run(mut self) -> Result<(), ProjectError> {
        let mut lag = Box::pin(lag::watch(
            self.source.clone(),
            P::ID,
            self.around.board.clone(),
            self.progress.subscribe(),
        ));
        let patience = self.around.config.stuck_after.duration();
        let pulse = self.pulse.clone();
        loop {
            pulse.beat();
            let ended = tokio::select! {
                done = self.persist() => Some(done),
                wrong = &mut lag => Some(Err(wrong)),
                () = pulse.stops(patience) => None,
            };
            match ended {
                Some(done) => {
                    if done.is_ok() {
                        self.pool.close().await;
                    }
                    return done;
                }
                None => self.restart()?,
            }
        }
    }

    /// What hung has been dropped; the connection that it hung on is left behind with it.
    fn restart(&mut self) -> Result<(), ProjectError> {
        let silent = self.around.config.stuck_after;
        tracing::error!(
            projection = P::NAME,
            "a projection has given no sign of life for {silent}; it begins anew with new connections"
        );
        counter!(names::PROJECTOR_RESTARTS_TOTAL, "projection" => P::NAME).increment(1);
        if let Some(health) = &self.health {
            health.not_ready(format!("stuck: no sign of life for {silent}"));
        }
        self.pool = database::connect_bounded(&self.around.config)?;
        Ok(())
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
                    let why = Poison::because(&source).0;
                    self.condemned = Some((first, format!("the database refuses its rows: {why}")));
                }
                ProjectError::RowsRefused { last, .. } => self.singly_until = last,
                ProjectError::FoldBroken { sequence, why } => {
                    // One is remembered: what is found before it must be in the rows before the next is found.
                    self.singly_until = self.singly_until.max(sequence);
                    self.condemned = Some((sequence, why));
                }
                // Other rows than we knew: what was refused may be good now.
                ProjectError::Moved(_) => self.condemned = None,
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
        self.pulse.beat();
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
        self.pulse.beat();
    }

    async fn session(&mut self) -> Result<(), ProjectError> {
        let around = self.around.clone();
        let mut now = self.begin().await?;
        self.tell(&now);
        let follow = match self.goal {
            Goal::Follow => Follow::Tail,
            Goal::Head | Goal::Event(_) => Follow::UntilHead,
        };
        let from = now.checkpoint.position.sequence;
        let mut reader = around.past.read(P::STREAM, Vec::new(), from, follow);
        if let Some(health) = &self.health {
            health.ready();
        }
        loop {
            let folded = now.checkpoint.position.sequence;
            if matches!(self.goal, Goal::Event(end) if end <= folded) {
                return Ok(());
            }
            let limit = if folded < self.singly_until {
                1
            } else {
                around.config.batch
            };
            let more = gather(&mut reader, limit, &around.config);
            let Some(more) = around.shutdown.unless_begun(more).await else {
                return Ok(());
            };
            let mut batch = match more? {
                Gathered::Events(batch) => batch,
                Gathered::Head => return Ok(()),
                Gathered::Idle => {
                    confirm::<P>(&self.pool, &now.checkpoint).await?;
                    // A reader that is silent although there is more gives no sign of life.
                    if around.board.head(P::ID) <= folded {
                        self.pulse.beat();
                    }
                    continue;
                }
            };
            if let Goal::Event(end) = self.goal {
                batch.retain(|record| record.sequence <= end);
            }
            let (Some(first), Some(last)) = (batch.first(), batch.last()) else {
                return Ok(());
            };
            self.fold(&batch, &mut now)?;
            let span = (first, last);
            let projection = &mut self.projection;
            now.checkpoint = commit(
                &self.pool,
                &now.checkpoint,
                span,
                projection,
                &mut now.parked,
            )
            .await?;
            self.backoff.reset();
            self.tell(&now);
            counter!(names::PROJECTOR_EVENTS_TOTAL, "projection" => P::NAME)
                .increment(batch.len() as u64);
        }
    }

    /// A sign of life, and where we stand.
    fn tell(&self, now: &Session) {
        self.pulse.beat();
        self.progress.send_replace(Some(now.checkpoint));
        self.around
            .board
            .set_folded(P::ID, now.checkpoint.position.sequence);
        gauge!(names::PROJECTOR_PARKED_KEYS, "projection" => P::NAME).set(now.parked.keys() as f64);
    }

    /// Takes or keeps the ownership, compares the position and loads the memory that belongs to it.
    async fn begin(&mut self) -> Result<Session, ProjectError> {
        let incarnation = self.source.log.stream_info(P::STREAM).await?.incarnation;
        let mut db = self.pool.acquire().await?;
        let mut checkpoint = match self.owner_epoch {
            None => Checkpoint::claim(&mut db, P::NAME, P::STREAM, incarnation).await?,
            Some(ours) => match Checkpoint::load(&mut db, P::NAME).await? {
                Some(found) if found.owner_epoch == ours => found,
                found => return Err(fenced::<P>(ours, found)),
            },
        };
        self.owner_epoch = Some(checkpoint.owner_epoch);
        position::check(&self.source, P::NAME, P::STREAM, &checkpoint).await?;
        checkpoint.adopt(&mut db, P::NAME, incarnation).await?;
        let parked = Parked::load(&mut db, P::NAME).await?;
        let dropped = Dropped::load(&mut db, P::NAME).await?;
        self.projection.load(&mut db, &self.source).await?;
        Ok(Session {
            checkpoint,
            parked,
            dropped,
        })
    }

    fn fold(&mut self, batch: &[Record], now: &mut Session) -> Result<(), ProjectError> {
        for record in batch {
            if now.parked.behind(record) {
                continue;
            }
            let condemned = self
                .condemned
                .as_ref()
                .filter(|(sequence, _)| *sequence == record.sequence);
            let Poison(why) = match condemned {
                Some((_, why)) => Poison(why.clone()),
                None => match folding::fold(&mut self.projection, record, &now.dropped) {
                    Folded::Yes => continue,
                    Folded::Poison(poison) => poison,
                    Folded::Broken(Poison(why)) => {
                        let sequence = record.sequence;
                        return Err(ProjectError::FoldBroken { sequence, why });
                    }
                },
            };
            tracing::error!(
                projection = P::NAME,
                subject = record.subject,
                event.seq = record.sequence.0,
                why,
                "an event cannot be applied; its key is parked, the others go on"
            );
            counter!(names::PROJECTOR_PARKED_TOTAL, "projection" => P::NAME).increment(1);
            now.parked.poison(record, &why);
        }
        Ok(())
    }
}
