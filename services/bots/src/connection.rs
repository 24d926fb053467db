//! A bot on one socket, from the greeting to the close.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use schemas::wire::{ClientMessage, Encoding, ServerMessage};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::bot::Bot;
use crate::run::Phase;
use crate::skim;
use crate::socket::{Socket, wire_bytes};

/// The op of frames, nearly all that comes.
const FRAME: u64 = 3;
/// The close code that stands for "none came".
const NO_CODE: u16 = 1006;
const TO_LEAVE: Duration = Duration::from_secs(3);
const LINES: [&str; 4] = [
    "Hello there!",
    "Nice weather at the harbor.",
    "Anybody for a walk to the mill?",
    "I was here before the lamps were lit.",
];

/// How a socket ended.
pub(crate) enum Ending {
    /// The bot left.
    Left,
    /// The server asked to go on at this address (or, empty, at the same).
    SentElsewhere(String),
    /// The other side closed it, or it broke.
    Lost(u16),
}

/// One socket's time.
pub(crate) struct Connection<'a> {
    bot: &'a mut Bot,
    socket: Socket,
    in_world: bool,
    heartbeat: Duration,
    heard: Instant,
    beats: u64,
    next: Plans,
}

/// When the bot does what next.
struct Plans {
    beat: Instant,
    input: Option<Instant>,
    speech: Option<Instant>,
    door: Option<Instant>,
}

impl Plans {
    fn soonest(&self) -> Instant {
        [self.input, self.speech, self.door]
            .into_iter()
            .flatten()
            .fold(self.beat, Instant::min)
    }
}

/// Whether `plan` is due; if so it moves on by `interval`, never into the past.
fn due(plan: &mut Option<Instant>, interval: Option<Duration>, now: Instant) -> bool {
    match (*plan, interval) {
        (Some(at), Some(interval)) if at <= now => {
            *plan = Some((at + interval).max(now));
            true
        }
        _ => false,
    }
}

impl<'a> Connection<'a> {
    pub(crate) fn new(bot: &'a mut Bot, socket: Socket) -> Self {
        let now = Instant::now();
        let heartbeat = Duration::from_secs(10);
        Self {
            bot,
            socket,
            in_world: false,
            heartbeat,
            heard: now,
            beats: 0,
            next: Plans {
                beat: now + heartbeat,
                input: None,
                speech: None,
                door: None,
            },
        }
    }

    /// Greets, and stays until the socket or the run ends.
    pub(crate) async fn stay(mut self, greeting: &ClientMessage) -> Ending {
        let ending = match self.talk(greeting).await {
            Ok(ending) => ending,
            Err(error) => {
                tracing::debug!(bot = self.bot.number, error = %error, "a bot's socket broke");
                Ending::Lost(NO_CODE)
            }
        };
        if self.in_world {
            self.bot.run.tally.present.fetch_sub(1, Relaxed);
        }
        ending
    }

    async fn talk(&mut self, greeting: &ClientMessage) -> Result<Ending, Error> {
        self.send(encoded(greeting)).await?;
        let timer = sleep_until(self.next.soonest());
        tokio::pin!(timer);
        loop {
            let soonest = self.next.soonest();
            if timer.deadline() != soonest {
                timer.as_mut().reset(soonest);
            }
            tokio::select! {
                message = self.socket.next() => {
                    let Some(message) = message else { return Ok(Ending::Lost(NO_CODE)) };
                    if let Some(ending) = self.heard(message?).await? {
                        return Ok(ending);
                    }
                }
                () = &mut timer => {
                    if let Some(ending) = self.act().await? {
                        return Ok(ending);
                    }
                }
                changed = self.bot.phase.changed() => {
                    let phase = *self.bot.phase.borrow_and_update();
                    if changed.is_err() || phase == Phase::Leaving {
                        return self.leave().await;
                    }
                    self.plan();
                }
            }
        }
    }

    async fn send(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.socket.send(Message::Binary(bytes)).await
    }

    /// Decides what this phase holds, each at a moment of its own, so that bots do not act in step.
    fn plan(&mut self) {
        let playing = self.in_world && *self.bot.phase.borrow() == Phase::Playing;
        let now = Instant::now();
        let args = &self.bot.run.args;
        let intervals = [
            args.input_interval(),
            args.every(args.speak_every),
            args.every(args.door_every),
        ];
        let mut first = |interval: Option<Duration>| {
            let interval = interval.filter(|_| playing)?;
            let bound = u64::try_from(interval.as_micros()).unwrap_or(u64::MAX);
            Some(now + Duration::from_micros(self.bot.wander.below(bound)))
        };
        self.next.input = first(intervals[0]);
        self.next.speech = first(intervals[1]);
        self.next.door = first(intervals[2]);
    }

    /// Does what is due.
    async fn act(&mut self) -> Result<Option<Ending>, Error> {
        let now = Instant::now();
        let (input, speech, door) = {
            let args = &self.bot.run.args;
            (
                due(&mut self.next.input, args.input_interval(), now),
                due(&mut self.next.speech, args.every(args.speak_every), now),
                due(&mut self.next.door, args.every(args.door_every), now),
            )
        };
        if input {
            let bits = self.bot.wander.next_keys();
            self.command(|client_seq| ClientMessage::Input {
                client_seq,
                client_step: 0,
                bits,
                view_step: 0,
            })
            .await?;
        }
        if speech {
            let line = self.bot.wander.below(LINES.len() as u64);
            let text = LINES[usize::try_from(line).unwrap_or(0)].to_owned();
            self.command(|client_seq| ClientMessage::Say { client_seq, text })
                .await?;
        }
        if door {
            self.command(|client_seq| ClientMessage::UseDoor { client_seq })
                .await?;
        }
        if self.next.beat <= now {
            if now - self.heard > self.heartbeat * 3 {
                return Ok(Some(Ending::Lost(NO_CODE)));
            }
            self.beats += 1;
            self.next.beat = now + self.heartbeat;
            self.send(encoded(&ClientMessage::Heartbeat { nonce: self.beats }))
                .await?;
        }
        Ok(None)
    }

    async fn command(&mut self, command: impl FnOnce(u32) -> ClientMessage) -> Result<(), Error> {
        let bytes = self.bot.ledger.issue(&self.bot.run.tally, command);
        self.send(bytes).await
    }

    async fn heard(&mut self, message: Message) -> Result<Option<Ending>, Error> {
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
            match skim::frame(bytes, &mut self.bot.neighbours) {
                Ok(acknowledged) => {
                    let tally = &self.bot.run.tally;
                    if let Some(seq) = acknowledged {
                        self.bot.ledger.acknowledge(seq, tally);
                    }
                    tally.frame(self.bot.neighbours.count());
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
                resumed,
                ack_seq,
                rejected,
                ..
            } => {
                for (seq, reason) in rejected {
                    self.bot.ledger.refuse(seq, reason, tally);
                }
                self.bot.ledger.acknowledge(ack_seq, tally);
                if resumed {
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
                handle,
                own,
                bodies,
                token,
                ..
            } => {
                self.bot.ledger.acknowledge(own.ack_seq, tally);
                self.bot.neighbours.start_over(handle);
                for body in bodies {
                    self.bot.neighbours.entered(body.handle);
                }
                self.bot.token = Some(token);
                if !self.in_world {
                    self.in_world = true;
                    tally.present.fetch_add(1, Relaxed);
                }
                self.bot.arrived(area);
                self.plan();
            }
            ServerMessage::Rejected {
                client_seq, reason, ..
            } => self.bot.ledger.refuse(client_seq, reason, tally),
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

    /// Leaves the world, or only the socket, as the run wants it.
    async fn leave(&mut self) -> Result<Ending, Error> {
        if self.in_world && !self.bot.run.args.stay {
            let client_seq = self.bot.ledger.next_seq();
            self.send(encoded(&ClientMessage::Leave { client_seq }))
                .await?;
            let closed = async {
                while let Some(Ok(message)) = self.socket.next().await {
                    if message.is_close() {
                        break;
                    }
                }
            };
            if tokio::time::timeout(TO_LEAVE, closed).await.is_err() {
                self.bot.run.tally.failures.add("leave: no answer");
            }
        } else {
            self.socket.close(None).await?;
        }
        Ok(Ending::Left)
    }
}

fn encoded(message: &ClientMessage) -> Bytes {
    Encoding::MsgPack.encode(message).into()
}
