//! What a bot makes of what it is sent.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use schemas::wire::{Encoding, ServerMessage};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::connection::{Connection, Ending, NO_CODE};
use crate::skim;
use crate::socket::wire_bytes;

/// The op of frames, nearly all that comes.
const FRAME: u64 = 3;

impl Connection<'_> {
    pub(crate) async fn heard(&mut self, message: Message) -> Result<Option<Ending>, Error> {
        self.heard = Instant::now();
        self.bot.run.tally.received(wire_bytes(&message));
        match message {
            Message::Binary(bytes) => self.read(&bytes).await,
            Message::Close(reason) => Ok(Some(Ending::Lost(
                reason.map_or(NO_CODE, |reason| reason.code.into()),
            ))),
            _ => Ok(None),
        }
    }

    async fn read(&mut self, bytes: &[u8]) -> Result<Option<Ending>, Error> {
        if skim::op(bytes) == Ok(FRAME) {
            let bot = &mut *self.bot;
            match skim::frame(bytes, &mut bot.neighbours, &mut bot.body) {
                Ok(acknowledged) => {
                    let gap = self.seen_now();
                    let tally = &self.bot.run.tally;
                    if let Some(seq) = acknowledged {
                        self.bot.ledger.acknowledge(seq, tally);
                    }
                    tally.frame(gap, self.bot.neighbours.count());
                    self.bot.remember();
                }
                Err(error) => self.bot.run.tally.failures.add(format!("frame: {error}")),
            }
            return Ok(None);
        }
        match Encoding::MsgPack.decode::<ServerMessage>(bytes) {
            Ok(message) => self.understand(message).await,
            Err(error) => {
                // A newer server may say what we do not know; that is no reason to go.
                self.bot.run.tally.failures.add(format!("message: {error}"));
                Ok(None)
            }
        }
    }

    async fn understand(&mut self, message: ServerMessage) -> Result<Option<Ending>, Error> {
        let tally = &self.bot.run.tally;
        match message {
            ServerMessage::Hello { heartbeat_ms, .. } => {
                // Early enough for a late timer and a slow wire.
                self.heartbeat = Duration::from_millis(u64::from(heartbeat_ms.max(1000)) * 3 / 4);
                self.next.beat = Instant::now() + self.heartbeat;
            }
            ServerMessage::Ready {
                character,
                session,
                resumed,
                ack_seq,
                rejected,
                ..
            } => {
                self.bot.identified(character, session);
                for (seq, reason) in rejected {
                    self.refused(seq, reason);
                }
                let tally = &self.bot.run.tally;
                self.bot.ledger.acknowledge(ack_seq, tally);
                if resumed {
                    self.resumed = true;
                    tally.resumes.fetch_add(1, Relaxed);
                }
                let again: Vec<Bytes> = self.bot.ledger.waiting().collect();
                tally.resent.fetch_add(again.len() as u64, Relaxed);
                for bytes in again {
                    self.send(bytes).await?;
                }
            }
            ServerMessage::Area {
                area,
                map_url,
                sequence,
                step,
                handle,
                own,
                bodies,
                token,
                ..
            } => {
                self.bot.ledger.acknowledge(own.ack_seq, tally);
                self.bot.neighbours.start_over(handle);
                self.bot.body.start_over(handle, sequence, step, own);
                for body in bodies {
                    if body.handle == handle {
                        self.bot.body.moved(step, &body.motion);
                    }
                    self.bot.neighbours.entered(body.handle);
                }
                self.bot.map_url = map_url;
                self.bot.token = Some(token);
                if !self.in_world {
                    self.in_world = true;
                    tally.present.fetch_add(1, Relaxed);
                }
                self.pictured();
                self.bot.arrived(area);
                self.bot.remember();
                self.plan();
            }
            ServerMessage::Rejected {
                client_seq, reason, ..
            } => self.refused(client_seq, reason),
            ServerMessage::Token { token } => self.bot.token = Some(token),
            ServerMessage::GoAway { url, within_ms } => {
                let wait = self.bot.wander.below(u64::from(within_ms / 2));
                tokio::time::sleep(Duration::from_millis(wait)).await;
                return Ok(Some(Ending::SentElsewhere(url)));
            }
            ServerMessage::Notice { code, message } => {
                tracing::debug!(bot = self.bot.number, code, message, "a notice");
            }
            _ => {}
        }
        Ok(None)
    }

    fn refused(&mut self, seq: u32, reason: u8) {
        let tally = &self.bot.run.tally;
        if let Some(name) = self.bot.ledger.refuse(seq, reason, tally) {
            self.bot.crossing.refused(seq, &name, tally);
        }
    }

    /// Notes that the world was seen now; how long ago it was seen before, on this socket.
    fn seen_now(&mut self) -> Option<Duration> {
        let now = Instant::now();
        let before = self.seen.replace(now);
        self.bot.lost_at = Some(now);
        before.map(|before| now - before)
    }

    /// The first picture on a socket that resumes ends the time away.
    fn pictured(&mut self) {
        let lost_at = self.bot.lost_at;
        if self.seen_now().is_none() && self.resumed {
            let tally = &self.bot.run.tally;
            tally.resume.record(self.opened.elapsed());
            if let Some(lost_at) = lost_at {
                tally.away.record(lost_at.elapsed());
            }
        }
    }
}
