//! What a client may say, in the order in which it is checked: readable, not too much, at the
//! right time, well-formed.

use std::sync::Arc;
use std::time::Instant;

use schemas::ClientSeq;
use schemas::command::PlayerAsk;
use schemas::outcome::Reason;
use schemas::segment::InputBits;
use schemas::wire::{ClientMessage, CloseCode, ServerMessage, WireError};

use super::closing::End;
use super::connection::Connection;
use super::reasons::sentence;
use super::session::{Numbering, Session};
use crate::replica::{Ask, Replica};
use crate::{meters, names};

impl Connection {
    /// Handles one message of the client.
    pub(super) async fn receive(&mut self, bytes: &[u8]) -> Result<(), End> {
        let decoded = self.socket.encoding().decode::<ClientMessage>(bytes);
        let message = decoded.map_err(|error| match error {
            WireError::UnknownOp(why) => End::close(CloseCode::UnknownOp, why),
            WireError::Malformed(why) => End::close(CloseCode::Malformed, why),
        })?;
        if !self.limits.admit(&message, Instant::now()) {
            meters::refused("rate");
            return Err(End::close(CloseCode::RateLimited, "too many messages"));
        }
        match message {
            ClientMessage::Identify {
                protocol,
                ticket,
                client,
            } => Box::pin(self.identify(protocol, &ticket, &client)).await,
            ClientMessage::Resume { protocol, token } => {
                Box::pin(self.resume(protocol, &token)).await
            }
            ClientMessage::Heartbeat { nonce } => {
                let step = self.replica().map_or(0, |replica| replica.clock.now().0);
                self.say(&ServerMessage::Pong { nonce, step })
            }
            ClientMessage::Input {
                client_seq,
                client_step,
                bits,
                view_step,
            } => {
                let bits = InputBits(bits);
                let ask = InputBits::ALL.holds(bits).then_some(PlayerAsk::Input {
                    bits,
                    client_step,
                    view_step,
                });
                self.command(client_seq, ask.ok_or("input_bits"))
            }
            ClientMessage::Say { client_seq, text } => {
                let line = names::line(&text).map_err(|error| error.label());
                let account = self.session.as_ref().map(|session| session.account);
                let ask = line.and_then(|line| {
                    // Before the session begins, `command` refuses it for that.
                    let sealed = self
                        .realm
                        .keys
                        .realm
                        .seal_for(account.unwrap_or_default(), line);
                    let text = sealed.map_err(|_| "unsealed")?;
                    Ok(PlayerAsk::Say { text })
                });
                self.command(client_seq, ask)
            }
            ClientMessage::UseDoor { client_seq } => {
                self.command(client_seq, Ok(PlayerAsk::UseDoor))
            }
            ClientMessage::Leave { client_seq } => self.command(client_seq, Ok(PlayerAsk::Leave)),
            ClientMessage::Query { id, what } => self.query(id, &what).await,
            ClientMessage::Observe {
                protocol,
                area,
                follow,
                client,
            } => Box::pin(self.observe(protocol, &area, &follow, &client)).await,
            ClientMessage::Look { x, y, follow } => self.look((x, y), &follow),
            ClientMessage::Play { at, speed } => self.play(at, speed),
        }
    }

    fn ready_session(&mut self) -> Result<&mut Session, End> {
        match self.session.as_deref_mut() {
            Some(session) if session.ready => Ok(session),
            _ => {
                let why = "Identify or Resume first, and wait for Ready";
                Err(End::close(CloseCode::NotIdentified, why))
            }
        }
    }

    /// A command; one that makes no sense is refused here, and the world never hears of it.
    fn command(&mut self, seq: ClientSeq, ask: Result<PlayerAsk, &'static str>) -> Result<(), End> {
        let mailbox = Arc::clone(&self.mailbox);
        let session = self.ready_session()?;
        if session.number(seq)? == Numbering::Repeated {
            meters::refused("repeated");
            return Ok(());
        }
        match ask {
            Ok(ask) => session.command(seq, ask, &mailbox),
            Err(why) => {
                meters::refused(why);
                self.say(&ServerMessage::Rejected {
                    client_seq: seq,
                    reason: Reason::Invalid.number(),
                    message: sentence(Reason::Invalid).into(),
                })
            }
        }
    }

    /// The area that is shown to this connection, with a character or without.
    fn replica(&self) -> Option<&Arc<Replica>> {
        let observed = self.observing.as_ref().map(|observing| &observing.replica);
        observed.or_else(|| self.session.as_ref().map(|session| &session.replica))
    }

    async fn query(&mut self, id: u64, what: &str) -> Result<(), End> {
        let (connection, encoding) = (self.id, self.socket.encoding());
        let mailbox = Arc::clone(&self.mailbox);
        let replica = match &self.observing {
            Some(_) if what == "areas" => return Box::pin(self.tell_areas(id)).await,
            Some(observing) => Arc::clone(&observing.replica),
            None => Arc::clone(&self.ready_session()?.replica),
        };
        let ask = match what {
            "who" => Ask::Who {
                id,
                encoding,
                mailbox,
            },
            "area" => Ask::Picture(connection),
            _ => {
                meters::refused("query");
                return self.say(&ServerMessage::Notice {
                    code: "unknown_query".into(),
                    message: "Ask for \"who\" or \"area\".".into(),
                });
            }
        };
        let asked = replica.ask(ask);
        asked.map_err(|_| End::close(CloseCode::Unavailable, "the area is too busy; try again"))
    }
}
