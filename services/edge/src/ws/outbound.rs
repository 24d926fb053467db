//! What reaches a connection through its mailbox: messages to pass on, and signals to act upon.

use std::sync::Arc;
use std::time::Duration;

use schemas::outcome::Reason;
use schemas::wire::{CloseCode, ServerMessage};
use schemas::{AreaId, ClientSeq, Sequence};
use tokio::time::Instant;

use super::closing::End;
use super::connection::Connection;
use super::mailbox::{Item, Signal};
use super::reasons::sentence;
use super::session::Place;
use crate::replica::{Attach, Passage};
use crate::resume::{Missed, RecoverError, recover};

/// How long a client gets to resume elsewhere.
const GO_WITHIN: Duration = Duration::from_secs(2);
/// How long reading what a resumed client missed may take.
const RECOVER_WITHIN: Duration = Duration::from_secs(10);
/// For so long the lobby's word that a character is still where it left is taken for old news.
const OLD_NEWS: Duration = Duration::from_secs(10);

impl Connection {
    /// Handles the next of the mailbox.
    pub(super) async fn deliver(&mut self, item: Item) -> Result<(), End> {
        match item {
            Item::Message(bytes) => self.socket.write(bytes, &self.realm.meters),
            Item::Acknowledging(bytes, ack) => {
                self.socket.write(bytes, &self.realm.meters)?;
                if let Some(session) = &mut self.session {
                    session.answered(ack, &self.realm.meters);
                }
                Ok(())
            }
            Item::Signal(signal) => self.act(signal).await,
        }
    }

    async fn act(&mut self, signal: Signal) -> Result<(), End> {
        match signal {
            Signal::Present {
                area,
                ack,
                shown,
                heard_after,
            } => Box::pin(self.arrived(area, ack, (heard_after, shown))).await,
            Signal::Rejected(seq, Reason::NotHere) => match &self.session {
                // Asked while it was elsewhere for a moment.
                Some(session) if session.place == Place::Present => {
                    session.send_again(seq, &self.mailbox)
                }
                _ => Ok(()),
            },
            Signal::Rejected(seq, reason) => {
                if let Some(session) = &mut self.session {
                    session.refused(seq);
                }
                self.say(&ServerMessage::Rejected {
                    client_seq: seq,
                    reason: reason.number(),
                    message: sentence(reason).into(),
                })
            }
            Signal::Departed(departed) => self.departed(departed),
            Signal::Gone => {
                self.ask_lobby_where();
                Ok(())
            }
            Signal::BackInLobby => Err(End::close(
                CloseCode::Unavailable,
                "the character is back in the lobby; come in again",
            )),
            Signal::Opening => {
                let area = self
                    .session
                    .as_ref()
                    .map(|session| session.replica.area.to_string());
                self.say(&ServerMessage::Transit {
                    area: area.unwrap_or_default(),
                    status: "opening".into(),
                })
            }
            Signal::Located(area) => self.located(&area),
            Signal::LoggedOut => {
                if let Some(session) = &self.session {
                    session.log_out(&self.mailbox);
                }
                let why = "this login has ended; log in again";
                Err(End::close(CloseCode::SessionEnded, why))
            }
            Signal::Drain => {
                self.leaving_at = Some(Instant::now() + GO_WITHIN);
                self.say(&ServerMessage::GoAway {
                    url: self.realm.config.elsewhere.clone(),
                    within_ms: u32::try_from(GO_WITHIN.as_millis()).unwrap_or(0),
                })
            }
        }
    }

    /// The character is there; its picture comes next.
    async fn arrived(
        &mut self,
        area: AreaId,
        ack: ClientSeq,
        (heard_after, shown): (Sequence, Sequence),
    ) -> Result<(), End> {
        let Some(session) = self
            .session
            .as_deref_mut()
            .filter(|s| s.replica.area == area)
        else {
            return Ok(());
        };
        session.place = Place::Present;
        session.left = None;
        session.has_come(&self.realm.meters);
        self.realm.online.at(self.id, &area);
        session.answered(ack, &self.realm.meters);
        if session.ready {
            return session.send_unanswered(&self.mailbox);
        }
        let resumed_from = session.resumed_from.take();
        let missed = match &resumed_from {
            None => Missed::default(),
            Some(point) => {
                let reading = recover(&self.realm, point, &area, (heard_after, shown));
                match tokio::time::timeout(RECOVER_WITHIN, reading).await {
                    Ok(Ok(missed)) => missed,
                    Ok(Err(RecoverError::Gone)) => {
                        let why = "what was missed is no longer in the log; start over";
                        return Err(End::close(CloseCode::CannotResume, why));
                    }
                    Ok(Err(RecoverError::Read(error))) => {
                        tracing::warn!(area.id = %area, %error, "a session cannot be resumed now");
                        return Err(End::close(
                            CloseCode::Unavailable,
                            "the log does not answer",
                        ));
                    }
                    Err(_) => {
                        return Err(End::close(
                            CloseCode::Unavailable,
                            "the log does not answer",
                        ));
                    }
                }
            }
        };
        let Some(session) = self.session.as_deref_mut() else {
            return Ok(());
        };
        session.ready = true;
        session.begin_after(ack, resumed_from.is_some());
        let rejected = missed.rejected.iter();
        let ready = ServerMessage::Ready {
            character: session.character.to_string(),
            name: session.name.clone(),
            session: session.fence.0,
            resumed: resumed_from.is_some(),
            ack_seq: ack,
            rejected: rejected
                .map(|(seq, reason)| (*seq, reason.number()))
                .collect(),
        };
        self.say(&ready)?;
        for message in missed.heard {
            let code = "heard".into();
            self.say(&ServerMessage::Notice { code, message })?;
        }
        Ok(())
    }

    /// Waits for the character in `area` from now on, where it comes by this effect.
    pub(super) fn follow(&mut self, area: &AreaId, comes_by: Option<Passage>) -> Result<(), End> {
        let Some(session) = self.session.as_deref_mut() else {
            return Ok(());
        };
        let attach = Attach {
            connection: self.id,
            character: session.character,
            session: session.fence,
            encoding: self.socket.encoding(),
            mailbox: Arc::clone(&self.mailbox),
            since: session.resumed_from.as_ref().map(|point| point.sequence),
            comes_by,
        };
        let replica = self.realm.replicas.attach(&self.realm, area, attach);
        let replica = replica
            .map_err(|_| End::close(CloseCode::Unavailable, "the area is too busy; try again"))?;
        let left = std::mem::replace(&mut session.replica, replica);
        session.place = match session.place {
            Place::Present => Place::awaited(),
            waiting @ Place::Awaited { .. } => waiting,
        };
        session.left = Some(left.area.clone());
        if left.area != *area {
            left.detach(self.id);
        }
        Ok(())
    }

    /// The lobby knows the character somewhere else than where it is awaited.
    fn located(&mut self, area: &AreaId) -> Result<(), End> {
        let Some(session) = self.session.as_deref() else {
            return Ok(());
        };
        let Place::Awaited { since, .. } = session.place else {
            return Ok(());
        };
        let old = session.left.as_ref() == Some(area) && since.elapsed() < OLD_NEWS;
        if session.replica.area == *area || old {
            return Ok(());
        }
        tracing::info!(area.id = %area, character = %session.character, "looking for a character where the lobby knows it");
        self.follow(area, None)
    }
}
