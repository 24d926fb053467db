//! What a replica does besides folding and telling: answers, keep-alives, wake hints.

use std::time::Duration;

use bytes::Bytes;
use schemas::UnixMillis;
use schemas::subjects::wake;
use schemas::wire::ServerMessage;
use tokio::time::Instant;

use super::observer::Observing;
use super::registry::Ask;
use super::task::Watching;
use super::viewer::Viewer;
use crate::ws::{Item, Signal};

/// An awake area writes a frame every second.
const SILENT_AFTER: Duration = Duration::from_secs(2);
/// Nobody has looked for so long: close.
const IDLE_AFTER: Duration = Duration::from_secs(30);

impl Watching {
    /// Answers a connection.
    pub(super) fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::Attach(attached) => {
                let id = attached.connection;
                let viewer = Viewer {
                    attached,
                    presence: None,
                    told_opening: false,
                };
                self.viewers.insert(id, viewer);
                self.idle_since = None;
                self.admit();
            }
            Ask::Ahead => self.idle_since = None,
            Ask::Observe(observer) => {
                let id = observer.connection;
                self.observers.insert(id, Observing::new(observer));
                self.idle_since = None;
                self.catch_up_observers();
            }
            Ask::Look(id, eye) => self.look(id, eye),
            // Only a recorded world can be stopped.
            Ask::Play(_) => {}
            Ask::Detach(id) => {
                self.viewers.remove(&id);
                self.observers.remove(&id);
            }
            Ask::Picture(id) => {
                if let Some(observing) = self.observers.get_mut(&id) {
                    observing.behind = true;
                }
                if let Some(presence) = self.viewers.get_mut(&id).and_then(|v| v.presence.as_mut())
                {
                    presence.behind = true;
                }
            }
            Ask::Who {
                id,
                encoding,
                mailbox,
            } => {
                let bodies = self.stage.bodies();
                let rows = bodies.map(|(handle, shown)| (handle, shown.name.to_string()));
                let reply = ServerMessage::QueryReply {
                    id,
                    rows: rows.collect(),
                };
                mailbox.put(Item::Message(encoding.encode(&reply).into()));
            }
        }
    }

    /// Tells the area which sessions are held here.
    pub(super) fn keep_alive(&self) {
        let alive = self.viewers.values().filter_map(|viewer| {
            let presence = viewer.presence.as_ref()?;
            Some((presence.handle, viewer.attached.session))
        });
        self.replica.lane.keep_alive(alive.collect());
    }

    /// Forgets connections that went without being heard, and who left long ago.
    pub(super) fn forget_the_gone(&mut self) {
        self.viewers
            .retain(|_, viewer| !viewer.attached.mailbox.is_closed());
        self.observers
            .retain(|_, observing| !observing.observer.mailbox.is_closed());
        self.left.forget_old(UnixMillis::now());
    }

    /// Whoever waits repeats the hint until the area is awake. Observers do not wait: they see an area that sleeps.
    pub(super) async fn wake(&mut self) {
        let owned = self.state.owner().is_some_and(|owner| owner.present);
        let awake = owned && !self.state.is_asleep();
        if self.viewers.is_empty() || (awake && self.heard_at.elapsed() < SILENT_AFTER) {
            return;
        }
        let subject = wake(&self.replica.area);
        let hint = self.realm.log.publish_core(&subject, Bytes::new());
        if let Err(error) = hint.await {
            tracing::debug!(area.id = %self.replica.area, %error, "no wake hint could be sent");
        }
        for viewer in self.viewers.values_mut().filter(|v| v.presence.is_none()) {
            if !std::mem::replace(&mut viewer.told_opening, true) {
                viewer.attached.mailbox.put(Item::Signal(Signal::Opening));
            }
        }
    }

    /// Whether nobody has looked for a while.
    pub(super) fn idle(&mut self) -> bool {
        if !self.is_unseen() {
            return false;
        }
        let since = *self.idle_since.get_or_insert_with(Instant::now);
        since.elapsed() >= IDLE_AFTER
    }
}
