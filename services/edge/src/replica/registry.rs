//! Which replicas are open. The first client of an area opens it; it closes when nobody has
//! looked for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemas::AreaId;
use schemas::wire::Encoding;
use tokio::sync::mpsc;

use super::clock::Clock;
use super::observer::{Eye, Observer};
use super::past;
use super::playhead::{Play, Playhead};
use super::task;
use super::viewer::{Attach, ConnectionId};
use crate::commands::Lane;
use crate::realm::Realm;
use crate::recording::Recording;
use crate::ws::Mailbox;

/// Questions that may wait for one replica; further clients are turned away.
const MOST_ASKS: usize = 8192;

/// What connections ask of a replica.
#[derive(Debug)]
pub(crate) enum Ask {
    /// Show me this area.
    Attach(Attach),
    /// Somebody will come here soon: stay open.
    Ahead,
    /// Show me this area, without a character.
    Observe(Observer),
    /// An observer looks there from now on.
    Look(ConnectionId, Eye),
    /// What an observer of a recorded world wants to see.
    Play(Play),
    /// I have gone, or gone on.
    Detach(ConnectionId),
    /// The whole picture anew.
    Picture(ConnectionId),
    /// Who is here?
    Who {
        /// Comes back with the answer.
        id: u64,
        /// How to tell.
        encoding: Encoding,
        /// Where.
        mailbox: Arc<Mailbox>,
    },
}

/// One open replica, as connections hold it.
#[derive(Debug)]
pub(crate) struct Replica {
    /// Of which area.
    pub(crate) area: AreaId,
    /// The way of commands to that area.
    pub(crate) lane: Lane,
    /// Its time.
    pub(crate) clock: Clock,
    /// Where a recorded world stands.
    pub(crate) playhead: Playhead,
    asks: mpsc::Sender<Ask>,
}

/// The replica cannot be asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{MOST_ASKS} questions wait for this area's replica")]
pub(crate) struct Busy;

impl Replica {
    fn new(area: &AreaId) -> (Arc<Self>, mpsc::Receiver<Ask>) {
        let (asks, inbox) = mpsc::channel(MOST_ASKS);
        let replica = Self {
            area: area.clone(),
            lane: Lane::default(),
            clock: Clock::default(),
            playhead: Playhead::default(),
            asks,
        };
        (Arc::new(replica), inbox)
    }

    /// Asks; a replica that has closed has nobody left to answer.
    pub(crate) fn ask(&self, ask: Ask) -> Result<(), Busy> {
        match self.asks.try_send(ask) {
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => Err(Busy),
        }
    }

    /// The connection has gone, or gone on. A replica that is too busy to hear it finds the
    /// mailbox closed, or the character departed.
    pub(crate) fn detach(&self, connection: ConnectionId) {
        if self.ask(Ask::Detach(connection)).is_err() {
            tracing::debug!(area.id = %self.area, "a replica finds out by itself who has gone");
        }
    }
}

/// All open replicas of this edge.
#[derive(Debug, Default)]
pub(crate) struct Replicas {
    open: Mutex<HashMap<AreaId, Arc<Replica>>>,
}

impl Replicas {
    /// Attaches a client to `area`, opening its replica if need be.
    pub(crate) fn attach(
        self: &Arc<Self>,
        realm: &Arc<Realm>,
        area: &AreaId,
        attach: Attach,
    ) -> Result<Arc<Replica>, Busy> {
        self.asked(realm, area, Ask::Attach(attach))
    }

    /// Opens the replica of an area into which somebody is about to come, so that it need not be
    /// waited for.
    pub(crate) fn ahead(self: &Arc<Self>, realm: &Arc<Realm>, area: &AreaId) {
        if self.asked(realm, area, Ask::Ahead).is_err() {
            tracing::debug!(area.id = %area, "a busy replica need not be opened");
        }
    }

    /// Lets an observer look at `area`, opening its replica if need be.
    pub(crate) fn observe(
        self: &Arc<Self>,
        realm: &Arc<Realm>,
        area: &AreaId,
        observer: Observer,
    ) -> Result<Arc<Replica>, Busy> {
        self.asked(realm, area, Ask::Observe(observer))
    }

    /// Shows an observer a recorded area, in a replica of its own: nobody else stops it or seeks in it.
    pub(crate) fn show_past(
        self: &Arc<Self>,
        realm: &Arc<Realm>,
        recording: &Arc<Recording>,
        (area, play): (&AreaId, Play),
        observer: Observer,
    ) -> Arc<Replica> {
        let (replica, inbox) = Replica::new(area);
        replica.playhead.set(play);
        let showing = past::run(
            Arc::clone(realm),
            Arc::clone(self),
            Arc::clone(recording),
            (Arc::clone(&replica), inbox),
            observer,
        );
        tokio::spawn(showing);
        replica
    }

    /// The areas that are open now.
    pub(crate) fn areas(&self) -> Vec<AreaId> {
        let mut areas: Vec<_> = self.lock().keys().cloned().collect();
        areas.sort();
        areas
    }

    fn asked(
        self: &Arc<Self>,
        realm: &Arc<Realm>,
        area: &AreaId,
        ask: Ask,
    ) -> Result<Arc<Replica>, Busy> {
        let mut open = self.lock();
        let replica = match open.get(area) {
            Some(replica) => Arc::clone(replica),
            None => {
                let replica = self.start(realm, area);
                open.insert(area.clone(), Arc::clone(&replica));
                replica
            }
        };
        // Under the lock: a replica that is about to close sees this first.
        replica.ask(ask)?;
        Ok(replica)
    }

    fn start(self: &Arc<Self>, realm: &Arc<Realm>, area: &AreaId) -> Arc<Replica> {
        let (replica, inbox) = Replica::new(area);
        let carrying = replica
            .lane
            .clone()
            .run(realm.log.clone(), area.clone(), realm.edge);
        tokio::spawn(carrying);
        let running = task::run(
            Arc::clone(realm),
            Arc::clone(self),
            Arc::clone(&replica),
            inbox,
        );
        tokio::spawn(running);
        replica
    }

    /// Forgets `replica`, unless somebody has asked for it meanwhile.
    pub(crate) fn close(&self, replica: &Replica, inbox: &mpsc::Receiver<Ask>) -> bool {
        let mut open = self.lock();
        if inbox.is_empty() {
            open.remove(&replica.area);
            replica.lane.close();
            true
        } else {
            false
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AreaId, Arc<Replica>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
