//! Who is logged in here: written into the bucket `sessions`, so that everybody can see who plays,
//! on which edge, in which area and since when.
//!
//! An entry goes by itself when nobody writes it again, so a crashed edge's players end without
//! anybody's doing. Two edges may hold entries of one character for a moment, when it goes from one
//! to the other: the newer one's word stays, because only the own entry is taken away.

mod writer;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use eventlog::{EventLog, ReadError};
use schemas::online::{BUCKET, OnlineEntry};
use schemas::{AccountId, AreaId, CharacterId, EdgeId, LoginId, UnixMillis};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use self::writer::Change;
use crate::replica::ConnectionId;
use crate::ws::{Item, Mailbox, Signal};

/// Everybody who is logged in here.
pub(crate) struct Online {
    here: Mutex<HashMap<ConnectionId, Here>>,
    changes: mpsc::UnboundedSender<Change>,
    edge: EdgeId,
    _writing: AbortOnDropHandle<()>,
}

/// Somebody who is logged in on one connection.
struct Here {
    login: LoginId,
    entry: OnlineEntry,
    mailbox: Arc<Mailbox>,
}

/// Who begins.
pub(crate) struct Newcomer {
    /// Whose character.
    pub(crate) account: AccountId,
    /// Begun in this login session.
    pub(crate) login: LoginId,
    /// Which character.
    pub(crate) character: CharacterId,
    /// Where it is, or is expected.
    pub(crate) area: AreaId,
    /// How to tell its connection.
    pub(crate) mailbox: Arc<Mailbox>,
}

impl Online {
    /// Nobody yet.
    ///
    /// # Errors
    /// When the bucket is not there or the broker does not answer.
    pub(crate) async fn begin(log: &EventLog, edge: EdgeId) -> Result<Self, ReadError> {
        let bucket = log.bucket(BUCKET).await?;
        // At most one change a connection waits: their number is bounded.
        let (changes, waiting) = mpsc::unbounded_channel();
        let writing = tokio::spawn(writer::write(bucket, edge, waiting));
        Ok(Self {
            here: Mutex::default(),
            changes,
            edge,
            _writing: AbortOnDropHandle::new(writing),
        })
    }

    /// Somebody plays from now on.
    pub(crate) fn enter(&self, connection: ConnectionId, newcomer: Newcomer) {
        let entry = OnlineEntry {
            account: newcomer.account,
            character: newcomer.character,
            edge: self.edge,
            area: newcomer.area,
            since: UnixMillis::now(),
        };
        let here = Here {
            login: newcomer.login,
            entry: entry.clone(),
            mailbox: newcomer.mailbox,
        };
        self.lock().insert(connection, here);
        self.tell(Change::Here(entry));
    }

    /// A character is in this area now.
    pub(crate) fn at(&self, connection: ConnectionId, area: &AreaId) {
        let moved = {
            let mut all = self.lock();
            let Some(here) = all.get_mut(&connection) else {
                return;
            };
            if here.entry.area == *area {
                return;
            }
            here.entry.area = area.clone();
            here.entry.clone()
        };
        self.tell(Change::Here(moved));
    }

    /// A connection has ended.
    pub(crate) fn leave(&self, connection: ConnectionId) {
        let mut all = self.lock();
        let Some(left) = all.remove(&connection) else {
            return;
        };
        let character = left.entry.character;
        // Another connection of this edge may have taken the character over.
        let still = all.values().any(|here| here.entry.character == character);
        drop(all);
        if !still {
            self.tell(Change::Gone(character));
        }
    }

    /// A login session has ended: whoever plays in it is logged out.
    pub(crate) fn end_login(&self, login: LoginId) {
        for here in self.lock().values().filter(|here| here.login == login) {
            here.mailbox.put(Item::Signal(Signal::LoggedOut));
        }
    }

    /// A writer that has gone is one of an edge that ends.
    fn tell(&self, change: Change) {
        drop(self.changes.send(change));
    }

    /// The map is whole between any two statements, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionId, Here>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
