//! A client for tests: folds all it is sent, keeps what is not answered, resumes when told to.

use std::time::Duration;

use anyhow::Context;
use bots::login::{self, Guest};
use bots::{Address, HttpError, socket};
use futures_util::{SinkExt, StreamExt};
use schemas::Handle;
use schemas::wire::{ClientMessage, Encoding, PROTOCOL, SUBPROTOCOLS, ServerMessage};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use crate::PATIENCE;
pub use crate::fold::View;

const BEAT: Duration = Duration::from_secs(3);

/// A player with a character, and at most one socket.
pub struct Player {
    /// Who.
    pub guest: Guest,
    view: watch::Receiver<View>,
    set_view: watch::Sender<View>,
    line: Option<Line>,
    edge: Address,
    endpoint: String,
    last_seq: u32,
    unanswered: Vec<(u32, ClientMessage)>,
    /// All commands given since the session began, by number.
    given: Vec<ClientMessage>,
}

/// A socket, read by a task of its own, so that a test may look away.
struct Line {
    out: mpsc::UnboundedSender<ClientMessage>,
    task: JoinHandle<()>,
}

impl Drop for Line {
    fn drop(&mut self) {
        // The socket falls without a goodbye, as when a cable is pulled.
        self.task.abort();
    }
}

impl Player {
    /// A new guest with a new character, not in the world yet.
    ///
    /// # Errors
    /// When the login fails.
    pub async fn create(edge: &Address, name: &str) -> anyhow::Result<Self> {
        let guest = login::new_guest(edge, name).await.context("login")?;
        Ok(Self::of(edge, guest))
    }

    /// Somebody who is logged in, not in the world yet.
    #[must_use]
    pub fn of(edge: &Address, guest: Guest) -> Self {
        let (set_view, view) = watch::channel(View::default());
        Self {
            guest,
            view,
            set_view,
            line: None,
            edge: edge.clone(),
            endpoint: "/v1/ws".into(),
            last_seq: 0,
            unanswered: Vec::new(),
            given: Vec::new(),
        }
    }

    /// Begins a session and waits for the first picture.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn enter(&mut self) -> anyhow::Result<()> {
        let ticket = match login::ticket(&self.edge, &self.guest).await {
            // The access token is good for ten minutes only.
            Err(HttpError::Refused { status: 401, .. }) if !self.guest.guest_token.is_empty() => {
                self.guest = login::known_guest(&self.edge, &self.guest.guest_token).await?;
                login::ticket(&self.edge, &self.guest).await
            }
            other => other,
        };
        let ticket = ticket.context("ticket")?;
        self.endpoint = ticket.endpoint;
        self.last_seq = 0;
        self.unanswered.clear();
        self.given.clear();
        self.set_view.send_replace(View::default());
        self.connect(ClientMessage::Identify {
            protocol: PROTOCOL,
            ticket: ticket.ticket,
            client: "worldline-tests".into(),
        })
        .await?;
        self.until("the first picture", |view| view.pictures > 0)
            .await
    }

    /// Goes on with the session on a new socket at `edge`, and sends again what is not acknowledged.
    ///
    /// # Errors
    /// When it cannot go on.
    pub async fn resume(&mut self, edge: &Address) -> anyhow::Result<()> {
        self.edge = edge.clone();
        let before = self.view().pictures;
        let token = self.view().token;
        self.connect(ClientMessage::Resume {
            protocol: PROTOCOL,
            token,
        })
        .await?;
        self.until("a picture after resuming", |view| view.pictures > before)
            .await?;
        // Refused ones too: what the edge refused by itself, the world has never counted.
        let acknowledged = self.view().own.ack_seq;
        self.unanswered.retain(|(seq, _)| *seq > acknowledged);
        for (_, command) in self.unanswered.clone() {
            self.send(command)?;
        }
        Ok(())
    }

    async fn connect(&mut self, greeting: ClientMessage) -> anyhow::Result<()> {
        self.line = None;
        let url = self.edge.websocket(&self.endpoint);
        let socket = socket::open(&url, SUBPROTOCOLS[0]).await?;
        self.set_view.send_modify(|view| view.closed = None);
        let (out, commands) = mpsc::unbounded_channel();
        let task = tokio::spawn(carry(socket, commands, self.set_view.clone()));
        self.line = Some(Line { out, task });
        self.send(greeting)
    }

    /// Loses the socket without a word.
    pub fn pull_the_cable(&mut self) {
        self.line = None;
    }

    /// Whether there is a socket that has not ended.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.line.is_some() && self.view.borrow().closed.is_none()
    }

    /// The edge on which it is, or was last.
    #[must_use]
    pub const fn on(&self) -> &Address {
        &self.edge
    }

    /// From now on it begins sessions at this edge.
    pub fn turn_to(&mut self, edge: &Address) {
        self.edge = edge.clone();
    }

    /// All commands given since the session began; the first has the number 1.
    #[must_use]
    pub fn given(&self) -> &[ClientMessage] {
        &self.given
    }

    /// The picture now.
    #[must_use]
    pub fn view(&self) -> View {
        self.view.borrow().clone()
    }

    /// Sends any message.
    ///
    /// # Errors
    /// When there is no socket.
    pub fn send(&self, message: ClientMessage) -> anyhow::Result<()> {
        let line = self.line.as_ref().context("no socket")?;
        line.out.send(message).context("the socket has ended")
    }

    fn command(&mut self, make: impl FnOnce(u32) -> ClientMessage) -> anyhow::Result<u32> {
        self.last_seq += 1;
        let command = make(self.last_seq);
        self.unanswered.push((self.last_seq, command.clone()));
        self.given.push(command.clone());
        self.send(command)?;
        Ok(self.last_seq)
    }

    /// Sends a command with the number that is its turn, whatever number it has.
    ///
    /// # Errors
    /// When there is no socket.
    pub fn command_as(&mut self, command: ClientMessage) -> anyhow::Result<u32> {
        self.command(|client_seq| match command {
            ClientMessage::Input {
                client_step,
                bits,
                view_step,
                ..
            } => ClientMessage::Input {
                client_seq,
                client_step,
                bits,
                view_step,
            },
            ClientMessage::Say { text, .. } => ClientMessage::Say { client_seq, text },
            other => other,
        })
    }

    /// Holds these keys from now on.
    ///
    /// # Errors
    /// When there is no socket.
    pub fn hold(&mut self, bits: u8) -> anyhow::Result<u32> {
        self.command(|client_seq| ClientMessage::Input {
            client_seq,
            client_step: 0,
            bits,
            view_step: 0,
        })
    }

    /// Says something.
    ///
    /// # Errors
    /// When there is no socket.
    pub fn say(&mut self, text: &str) -> anyhow::Result<u32> {
        let text = text.to_owned();
        self.command(|client_seq| ClientMessage::Say { client_seq, text })
    }

    /// Tries the door.
    ///
    /// # Errors
    /// When there is no socket.
    pub fn use_door(&mut self) -> anyhow::Result<u32> {
        self.command(|client_seq| ClientMessage::UseDoor { client_seq })
    }

    /// Leaves the world and waits for the goodbye.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn leave(&mut self) -> anyhow::Result<()> {
        self.command(|client_seq| ClientMessage::Leave { client_seq })?;
        self.until("the goodbye", |view| view.closed == Some(4006))
            .await
    }

    /// Asks who is in the area.
    ///
    /// # Errors
    /// As [`Player::until`].
    pub async fn who(&self) -> anyhow::Result<Vec<(Handle, String)>> {
        self.set_view.send_modify(|view| view.who = None);
        let what = "who".to_owned();
        self.send(ClientMessage::Query { id: 1, what })?;
        self.until("who is here", |view| view.who.is_some()).await?;
        Ok(self.view().who.unwrap_or_default())
    }

    /// Waits until the picture is as wanted.
    ///
    /// # Errors
    /// When it is not within [`PATIENCE`], or can no longer become so because the socket has ended.
    pub async fn until(&self, what: &str, wanted: impl Fn(&View) -> bool) -> anyhow::Result<()> {
        let mut view = self.view.clone();
        let found = {
            let either = view.wait_for(|view| wanted(view) || view.closed.is_some());
            tokio::time::timeout(PATIENCE, either)
                .await
                .map(|found| found.map(|view| wanted(&view)))
        };
        let now = || format!("{what}, for {}; last: {:?}", self.guest.name, self.view());
        match found {
            Ok(Ok(true)) => Ok(()),
            Ok(_) => anyhow::bail!("the socket ended before {}", now()),
            Err(_) => anyhow::bail!("not within {PATIENCE:?}: {}", now()),
        }
    }

    /// Waits until a command had its outcome; the reason, if it was refused.
    ///
    /// # Errors
    /// As [`Player::until`].
    pub async fn outcome(&self, seq: u32) -> anyhow::Result<Option<u8>> {
        self.until("an outcome", |view| view.answered(seq)).await?;
        // A rejection and the acknowledgement that covers it come with the same frame, in either order; whatever the
        // edge sends after a heartbeat comes after both.
        self.settled().await?;
        Ok(self.view().reason(seq))
    }

    /// Waits until all that the edge had to say by now has been taken in.
    ///
    /// # Errors
    /// As [`Player::until`].
    pub async fn settled(&self) -> anyhow::Result<()> {
        let nonce = u64::from(rand::random::<u32>());
        self.send(ClientMessage::Heartbeat { nonce })?;
        self.until("a pong", |view| view.pong == Some(nonce)).await
    }
}

/// Carries messages between a socket and the view until either ends.
async fn carry(
    mut socket: socket::Socket,
    mut commands: mpsc::UnboundedReceiver<ClientMessage>,
    view: watch::Sender<View>,
) {
    let mut beat = tokio::time::interval(BEAT);
    let closed = loop {
        let sent = tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Binary(bytes))) => {
                    match Encoding::MsgPack.decode::<ServerMessage>(&bytes) {
                        Ok(message) => view.send_modify(|view| view.fold(message)),
                        Err(error) => view.send_modify(|view| view.broken.push(error.to_string())),
                    }
                    continue;
                }
                Some(Ok(Message::Close(reason))) => break reason.map_or(1006, |reason| reason.code.into()),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => break 1006,
            },
            command = commands.recv() => match command {
                Some(command) => command,
                None => break 1006,
            },
            _ = beat.tick() => ClientMessage::Heartbeat { nonce: 0 },
        };
        let bytes = Encoding::MsgPack.encode(&sent);
        if socket.send(Message::Binary(bytes.into())).await.is_err() {
            // What it was closed with is still to be read.
            while let Some(Ok(message)) = socket.next().await {
                if let Message::Close(Some(reason)) = message {
                    view.send_modify(|view| view.closed = Some(reason.code.into()));
                    return;
                }
            }
            break 1006;
        }
    };
    view.send_modify(|view| view.closed = Some(closed));
}
