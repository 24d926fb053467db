//! What the director has begun and not finished: writes and commands, each in a task of its own.

use std::collections::BTreeMap;

use bytes::Bytes;
use eventlog::{Bucket, EventLog, MessageId, SendError, UpdateError};
use schemas::control::{ControlCommand, Order};
use schemas::keyed::KeyedMessage;
use schemas::subjects::{Domain, keyed_command};
use schemas::{AreaId, Sequence, encode};
use tokio::task::JoinSet;

use crate::instances::{DIRECTOR, Step};
use crate::lease;
use crate::opened::{self, OpenError};
use crate::plan::Change;

/// Placements that are written at the same time; the rest is planned again when some are done.
const WRITES_AT_ONCE: usize = 64;

/// How something ended that was begun.
#[derive(Debug)]
pub(crate) enum Deed {
    /// The lease was written, or not.
    Lease(lease::Written),
    /// A placement was written, or not.
    Placed(Change, Result<Sequence, UpdateError>),
    /// An area was opened with this map, or not.
    Opened(AreaId, String, Result<(), OpenError>),
    /// An area's control was asked something, or not.
    Asked(AreaId, Result<(), SendError>),
    /// A task panicked; the plan begins it again.
    Panicked,
}

pub(super) struct Deeds {
    log: EventLog,
    tasks: JoinSet<Deed>,
    /// The placements under way, with whether each is a planned move.
    writing: BTreeMap<AreaId, bool>,
}

impl Deeds {
    pub(super) fn new(log: EventLog) -> Self {
        Self {
            log,
            tasks: JoinSet::new(),
            writing: BTreeMap::new(),
        }
    }

    pub(super) async fn next(&mut self) -> Deed {
        match self.tasks.join_next().await {
            Some(Ok(deed)) => {
                if let Deed::Placed(change, _) = &deed {
                    self.writing.remove(&change.placement.area);
                }
                deed
            }
            Some(Err(panic)) => {
                tracing::error!(%panic, "a deed of the director panicked");
                if self.tasks.is_empty() {
                    self.writing.clear();
                }
                Deed::Panicked
            }
            None => std::future::pending().await,
        }
    }

    pub(super) fn is_writing(&self, area: &AreaId) -> bool {
        self.writing.contains_key(area)
    }

    /// How many of the placements under way are planned moves.
    pub(super) fn moving(&self) -> usize {
        self.writing.values().filter(|planned| **planned).count()
    }

    pub(super) fn lease(&mut self, write: impl Future<Output = lease::Written> + Send + 'static) {
        self.tasks
            .spawn(ambient::here(async move { Deed::Lease(write.await) }));
    }

    /// Whether it was begun: one write at a time for each area, and not too many in all.
    pub(super) fn place(&mut self, bucket: &Bucket, change: Change, expected: Sequence) -> bool {
        let area = change.placement.area.clone();
        if self.is_writing(&area) || self.writing.len() >= WRITES_AT_ONCE {
            return false;
        }
        self.writing.insert(area, change.reason.is_planned_move());
        let bucket = bucket.clone();
        self.tasks.spawn(ambient::here(async move {
            let bytes = Bytes::from(encode(&change.placement));
            let key = change.placement.area.as_str();
            let outcome = bucket.update(key, bytes, expected).await;
            Deed::Placed(change, outcome)
        }));
        true
    }

    pub(super) fn open(&mut self, area: AreaId, map: String) {
        let log = self.log.clone();
        self.tasks.spawn(ambient::here(async move {
            let outcome = opened::open(&log, &area, &map).await;
            Deed::Opened(area, map, outcome)
        }));
    }

    /// By a command like everybody's: it is decided on how the area's control stands then.
    pub(super) fn steer(&mut self, step: Step) {
        let Step::Steer {
            area,
            closed,
            overflow,
            soft,
            reason,
        } = step
        else {
            return;
        };
        let message = KeyedMessage::Command {
            request: 0,
            reply: None,
            body: ControlCommand::Steer {
                area: area.clone(),
                closed,
                overflow,
                soft,
                order: Order {
                    by: DIRECTOR.to_owned(),
                    reason,
                },
            },
        };
        let log = self.log.clone();
        self.tasks.spawn(ambient::here(async move {
            let subject = keyed_command(Domain::Control, area.as_str());
            let payload = encode(&message).into();
            let sent = log
                .send_as(&MessageId::random(), &subject, payload, None)
                .await;
            Deed::Asked(area, sent.map(|_| ()))
        }));
    }
}
