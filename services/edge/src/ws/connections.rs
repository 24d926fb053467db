//! Who is connected: a bound on their number, and a way to send all of them away.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::mailbox::Mailbox;
use crate::replica::ConnectionId;

/// All open connections of this edge.
#[derive(Debug)]
pub(crate) struct Connections {
    open: Mutex<HashMap<ConnectionId, Arc<Mailbox>>>,
    next: AtomicU64,
    most: usize,
}

impl Connections {
    /// At most so many.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            open: Mutex::default(),
            next: AtomicU64::new(1),
            most,
        }
    }

    /// One more; `None` when there are as many as there may be.
    pub(crate) fn enter(&self, mailbox: &Arc<Mailbox>) -> Option<ConnectionId> {
        let mut open = self.lock();
        if open.len() >= self.most {
            return None;
        }
        let id = ConnectionId(self.next.fetch_add(1, Ordering::Relaxed));
        open.insert(id, Arc::clone(mailbox));
        Some(id)
    }

    /// One less.
    pub(crate) fn leave(&self, id: ConnectionId) {
        self.lock().remove(&id);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// All mailboxes.
    pub(crate) fn all(&self) -> Vec<Arc<Mailbox>> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionId, Arc<Mailbox>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
