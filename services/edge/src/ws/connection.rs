//! The life of one connection: hello, who are you, play, farewell.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use schemas::keyed::KeyedEntry;
use schemas::lobby::{Character, LobbyEvent, Place as Whereabouts};
use schemas::subjects::{Domain, keyed_events};
use schemas::wire::{CloseCode, PROTOCOL, ServerMessage};
use schemas::{CharacterId, SessionFence, decode};
use tokio::time::Instant;

use super::closing::End;
use super::limits::Limits;
use super::mailbox::{Item, Mailbox, Signal};
use super::observing::Observing;
use super::session::{Place, Session};
use super::socket::{Socket, Wake};
use crate::meters;
use crate::realm::Realm;
use crate::replica::ConnectionId;

/// A network that takes nothing for so long has gone.
const STALLED: Duration = Duration::from_secs(20);
/// A character that does not appear is looked for in the lobby so often.
const ASK_LOBBY: Duration = Duration::from_secs(2);
/// And for the first time after so long.
const ASK_LOBBY_FIRST: Duration = Duration::from_millis(500);

/// One websocket and what belongs to it.
pub(super) struct Connection {
    pub(super) realm: Arc<Realm>,
    pub(super) id: ConnectionId,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) socket: Socket,
    pub(super) limits: Limits,
    pub(super) session: Option<Box<Session>>,
    /// What it looks at without a character.
    pub(super) observing: Option<Observing>,
    pub(super) opened_at: Instant,
    pub(super) heard_at: Instant,
    /// When the edge, which is leaving, closes this connection.
    pub(super) leaving_at: Option<Instant>,
}

impl Connection {
    /// Serves the connection until it ends.
    pub(super) async fn run(mut self) {
        let Err(end) = self.live().await;
        self.detach();
        if let End::Close(code, why) = end {
            meters::closed(code);
            tracing::debug!(code = code.code(), %why, "closing a connection");
            Box::pin(self.socket.close(code, &why)).await;
        }
    }

    /// Nobody need tell this connection anything any more.
    fn detach(&self) {
        if let Some(session) = &self.session {
            session.replica.detach(self.id);
        }
        if let Some(observing) = &self.observing {
            observing.replica.detach(self.id);
        }
        self.realm.online.leave(self.id);
        self.mailbox.close();
    }

    async fn live(&mut self) -> Result<Infallible, End> {
        let heartbeat = self.realm.config.heartbeat.duration();
        self.say(&ServerMessage::Hello {
            protocol: PROTOCOL,
            heartbeat_ms: u32::try_from(heartbeat.as_millis()).unwrap_or(u32::MAX),
            server: concat!("worldline ", env!("CARGO_PKG_VERSION")).into(),
        })?;
        loop {
            let deadline = self.deadline();
            let wake = self
                .socket
                .wake(&self.mailbox, deadline, &self.realm.meters);
            match wake.await? {
                Wake::Item(item) => self.deliver(item).await?,
                Wake::Inbound(bytes) => {
                    self.heard_at = Instant::now();
                    self.receive(&bytes).await?;
                }
                Wake::Control => {
                    self.heard_at = Instant::now();
                    if !self.limits.admit_control(self.heard_at.into_std()) {
                        meters::refused("rate");
                        return Err(End::close(CloseCode::RateLimited, "too many pings"));
                    }
                }
                Wake::Deadline => self.check_deadlines()?,
            }
        }
    }

    /// Writes a message.
    pub(super) fn say(&mut self, message: &ServerMessage) -> Result<(), End> {
        self.socket.send(message, &self.realm.meters)
    }

    /// When to look at the clock next.
    fn deadline(&self) -> Instant {
        let config = &self.realm.config;
        let silence = self.heard_at + config.heartbeat.duration() * 2;
        let place = match &self.session {
            None if self.observing.is_some() => None,
            None => Some(self.opened_at + config.identify_within.duration()),
            Some(session) => match session.place {
                Place::Present => None,
                Place::Awaited { since, asked_at } => Some(ask_lobby_at(since, asked_at)),
            },
        };
        let stalled = self.socket.stalled_since().map(|since| since + STALLED);
        let others = [place, stalled, self.leaving_at];
        others.into_iter().flatten().fold(silence, Instant::min)
    }

    fn check_deadlines(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let config = &self.realm.config;
        if self.leaving_at.is_some_and(|at| at <= now) {
            return Err(End::close(
                CloseCode::GoingAway,
                "this edge is leaving; resume",
            ));
        }
        if self.heard_at + config.heartbeat.duration() * 2 <= now {
            return Err(End::close(CloseCode::TimedOut, "no heartbeat"));
        }
        let stalled = self.socket.stalled_since();
        if stalled.is_some_and(|since| since + STALLED <= now) {
            return Err(End::close(CloseCode::TooSlow, "the client reads nothing"));
        }
        let Some(session) = &mut self.session else {
            if self.observing.is_none() && self.opened_at + config.identify_within.duration() <= now
            {
                return Err(End::close(CloseCode::TimedOut, "no Identify in time"));
            }
            return Ok(());
        };
        if let Place::Awaited { since, asked_at } = &mut session.place {
            if *since + config.enter_within.duration() <= now {
                let why = "the area could not be entered in time; try again";
                return Err(End::close(CloseCode::Unavailable, why));
            }
            if ask_lobby_at(*since, *asked_at) <= now {
                *asked_at = now;
                self.ask_lobby_where();
            }
        }
        Ok(())
    }
}

impl Connection {
    /// The character is looked for in the lobby's log, which answers by the mailbox.
    pub(super) fn ask_lobby_where(&self) {
        let Some(session) = &self.session else {
            return;
        };
        let looking = look_for(
            Arc::clone(&self.realm),
            Arc::clone(&self.mailbox),
            session.character,
            session.fence,
        );
        tokio::spawn(looking);
    }
}

impl Drop for Connection {
    /// Also when its task is cut short.
    fn drop(&mut self) {
        self.detach();
        self.realm.connections.leave(self.id);
        self.realm.meters.connections.decrement(1);
    }
}

/// When the lobby is asked (again) about a character that is awaited.
fn ask_lobby_at(since: Instant, asked_at: Instant) -> Instant {
    let wait = if asked_at == since {
        ASK_LOBBY_FIRST
    } else {
        ASK_LOBBY
    };
    asked_at + wait
}

/// Asks the lobby's log where a character is, for a connection that waits for it.
async fn look_for(
    realm: Arc<Realm>,
    mailbox: Arc<Mailbox>,
    character: CharacterId,
    fence: SessionFence,
) {
    let subject = keyed_events(Domain::Lobby, &character.to_string());
    let record = match realm.log.last(&subject).await {
        Ok(Some(record)) => record,
        Ok(None) => return,
        Err(error) => {
            tracing::debug!(%character, %error, "the lobby's log cannot be read");
            return;
        }
    };
    let entry = match decode::<KeyedEntry<LobbyEvent, Character>>(&record.payload) {
        Ok(entry) => entry,
        Err(error) => {
            tracing::warn!(%character, %error, "the lobby's entry cannot be read");
            return;
        }
    };
    if entry.state.session > fence {
        mailbox.end(CloseCode::Replaced, "a newer session took over");
        return;
    }
    let signal = match entry.state.place {
        Some(Whereabouts::World(area)) => Signal::Located(area),
        // Of its newest session nobody else will take it out of there.
        Some(Whereabouts::Lobby(_)) if entry.state.session == fence => Signal::BackInLobby,
        Some(Whereabouts::Lobby(_)) | None => return,
    };
    mailbox.put(Item::Signal(signal));
}
