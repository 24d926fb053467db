//! One bot's life: log in, join, play on one socket after the other, leave.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use schemas::wire::{ClientMessage, CloseCode, PROTOCOL, SUBPROTOCOLS};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

use crate::connection::{Connection, Ending};
use crate::crossing::Crossing;
use crate::http::HttpError;
use crate::ledger::Ledger;
use crate::login::{self, Guest};
use crate::names;
use crate::neighbours::Neighbours;
use crate::own_body::{LastSeen, OwnBody};
use crate::run::{Phase, Run};
use crate::socket::{self, OpenError};
use crate::wander::Wander;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const CLIENT: &str = concat!("worldline-bots/", env!("CARGO_PKG_VERSION"));

/// One bot.
pub(crate) struct Bot {
    pub(crate) number: u32,
    pub(crate) run: Arc<Run>,
    pub(crate) phase: watch::Receiver<Phase>,
    pub(crate) ledger: Ledger,
    pub(crate) wander: Wander,
    pub(crate) neighbours: Neighbours,
    pub(crate) body: OwnBody,
    pub(crate) crossing: Crossing,
    /// The address of the area's map.
    pub(crate) map_url: String,
    /// When the world was last seen on the socket that was lost.
    pub(crate) lost_at: Option<Instant>,
    /// The newest resume token.
    pub(crate) token: Option<String>,
    /// The area it is in, once it is in one.
    pub(crate) area: Option<String>,
    settled: Option<mpsc::UnboundedSender<()>>,
    guest: Option<Guest>,
    pub(crate) server: usize,
    /// Path or address of the websocket, as the ticket names it.
    endpoint: String,
}

/// Why a socket was not even opened.
#[derive(Debug, thiserror::Error)]
enum EntryError {
    #[error("login: {0}")]
    Login(#[from] HttpError),
    #[error("socket: {0}")]
    Open(#[from] OpenError),
}

impl Bot {
    pub(crate) fn new(
        number: u32,
        run: Arc<Run>,
        phase: watch::Receiver<Phase>,
        settled: mpsc::UnboundedSender<()>,
    ) -> Self {
        Self {
            number,
            phase,
            ledger: Ledger::default(),
            wander: Wander::new(run.args.seed, number, run.args.only_turns),
            neighbours: Neighbours::default(),
            body: OwnBody::default(),
            crossing: Crossing::default(),
            map_url: String::new(),
            lost_at: None,
            token: None,
            area: None,
            settled: Some(settled),
            guest: None,
            server: number as usize % run.servers.len(),
            endpoint: "/v1/ws".into(),
            run,
        }
    }

    /// Lives until the run is over or the session is.
    pub(crate) async fn live(mut self) {
        let join_by = Instant::now() + Duration::from_secs(self.run.args.join_within);
        let mut pause = FIRST_PAUSE;
        loop {
            let entered_at = Instant::now();
            match self.enter().await {
                Err(error) => {
                    self.run.tally.failures.add(kind_of(&error));
                    tracing::debug!(bot = self.number, error = %error, "a bot could not connect");
                    let hopeless =
                        matches!(&error, EntryError::Login(refusal) if !refusal.is_passing());
                    if hopeless {
                        break;
                    }
                    self.next_server();
                }
                Ok(Ending::Left) => break,
                Ok(Ending::SentElsewhere(url)) => {
                    if !url.is_empty() {
                        self.endpoint = url;
                    }
                    pause = FIRST_PAUSE;
                }
                Ok(Ending::Lost(code)) => {
                    if *self.phase.borrow() == Phase::Leaving {
                        break;
                    }
                    self.run.tally.disconnects.add(code.to_string());
                    tracing::debug!(bot = self.number, code, "a bot lost its socket");
                    if !self.may_go_on(code) {
                        break;
                    }
                    if entered_at.elapsed() > LONGEST_PAUSE {
                        pause = FIRST_PAUSE;
                    }
                }
            }
            let waiting_to_join = self.settled.is_some();
            if waiting_to_join && Instant::now() >= join_by {
                break;
            }
            let jitter = Duration::from_millis(self.wander.below(50));
            tokio::select! {
                () = sleep(pause + jitter) => {}
                _ = self.phase.wait_for(|phase| *phase == Phase::Leaving) => break,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        self.session_over("run_over");
        self.settle();
    }

    /// Opens a socket, resumes or identifies, and stays on it to its end.
    async fn enter(&mut self) -> Result<Ending, EntryError> {
        let greeting = match &self.token {
            Some(token) => ClientMessage::Resume {
                protocol: PROTOCOL,
                token: token.clone(),
            },
            None => ClientMessage::Identify {
                protocol: PROTOCOL,
                ticket: self.ticket().await?,
                client: CLIENT.into(),
            },
        };
        let url = self.run.servers[self.server].websocket(&self.endpoint);
        let socket = socket::open(&url, SUBPROTOCOLS[0]).await?;
        let ending = Connection::new(self, socket).stay(&greeting).await;
        Ok(ending)
    }

    async fn ticket(&mut self) -> Result<String, HttpError> {
        let server = &self.run.servers[self.server];
        if self.guest.is_none() {
            self.guest = Some(names::new_guest(server, &self.run.label, self.number).await?);
        }
        let Some(guest) = &self.guest else {
            return Err(HttpError::BadAddress(String::new()));
        };
        let ticket = match login::ticket(server, guest).await {
            // The access token lives for ten minutes, a run may be longer.
            Err(HttpError::Refused { status: 401, .. }) => {
                let guest = login::known_guest(server, &guest.guest_token).await?;
                let ticket = login::ticket(server, &guest).await;
                self.guest = Some(guest);
                ticket?
            }
            other => other?,
        };
        self.endpoint = ticket.endpoint;
        Ok(ticket.ticket)
    }

    /// What the close code allows: resume, begin a new session, or nothing.
    fn may_go_on(&mut self, code: u16) -> bool {
        let is = |wanted: CloseCode| code == wanted.code();
        if is(CloseCode::Replaced) || is(CloseCode::Outdated) {
            return false;
        }
        let over =
            is(CloseCode::CannotResume) || is(CloseCode::BadTicket) || is(CloseCode::SessionEnded);
        if over && self.token.take().is_some() {
            self.run.tally.sessions_lost.fetch_add(1, Relaxed);
            self.session_over("session_over");
        }
        if !is(CloseCode::RateLimited) {
            self.next_server();
        }
        true
    }

    fn next_server(&mut self) {
        self.server = (self.server + 1) % self.run.servers.len();
        if self.endpoint.starts_with("ws://") {
            self.endpoint = "/v1/ws".into();
        }
    }

    /// In the world for the first time, or never: either way nobody waits for this bot any more.
    pub(crate) fn settle(&mut self) {
        if let Some(settled) = self.settled.take() {
            let counted = settled.send(());
            tracing::trace!(bot = self.number, counted = counted.is_ok(), "settled");
        }
    }

    /// What was asked in this session will not be answered any more.
    fn session_over(&mut self, why: &str) {
        self.crossing.given_up(why, &self.run.tally);
        self.ledger.close(&self.run.tally);
    }

    /// Something of the world was shown: the bot's own state is what a checker may hold it to.
    pub(crate) fn remember(&mut self) {
        let Some(slot) = self.run.seen.get(self.number as usize) else {
            return;
        };
        let mut seen = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if self.body.tell(&mut seen) {
            seen.sent_seq = self.ledger.next_seq() - 1;
            if let Some(area) = self.area.as_ref().filter(|area| **area != seen.area) {
                seen.area.clone_from(area);
            }
        }
    }

    /// `Ready` has told who the bot is.
    pub(crate) fn identified(&self, character: String, session: u64) {
        if let Some(slot) = self.run.seen.get(self.number as usize) {
            let mut seen = slot.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.session != session {
                *seen = LastSeen::default();
            }
            seen.character = character;
            seen.session = session;
        }
    }

    /// The picture of an area has come.
    pub(crate) fn arrived(&mut self, area: String) {
        if self.settled.is_some() {
            self.run.tally.joined.fetch_add(1, Relaxed);
            self.settle();
        }
        let changed = self.area.as_ref().is_some_and(|old| *old != area);
        if changed {
            self.run.tally.area_changes.fetch_add(1, Relaxed);
        }
        self.crossing.arrived(changed, &self.run.tally);
        self.area = Some(area);
    }
}

/// A failure's kind, without what differs from bot to bot.
fn kind_of(error: &EntryError) -> String {
    match error {
        EntryError::Login(HttpError::Refused { status, code, .. }) => {
            format!("login refused: {status} {code}")
        }
        EntryError::Login(HttpError::Unreachable { .. }) => "login: no answer".into(),
        EntryError::Login(other) => format!("login: {other}"),
        EntryError::Open(OpenError::Handshake { .. }) => "socket: handshake refused".into(),
        EntryError::Open(_) => "socket: no answer".into(),
    }
}
