//! A bot on one socket, from the greeting to the close.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use schemas::wire::{ClientMessage, Encoding};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::bot::Bot;
use crate::run::Phase;
use crate::socket::Socket;

/// The close code that stands for "none came".
pub(crate) const NO_CODE: u16 = 1006;
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
    pub(crate) bot: &'a mut Bot,
    socket: Socket,
    pub(crate) in_world: bool,
    /// Whether the session goes on from an earlier socket.
    pub(crate) resumed: bool,
    pub(crate) opened: Instant,
    /// When a frame or a picture last came.
    pub(crate) seen: Option<Instant>,
    pub(crate) heartbeat: Duration,
    pub(crate) heard: Instant,
    beats: u64,
    pub(crate) next: Plans,
}

/// When the bot does what next.
pub(crate) struct Plans {
    pub(crate) beat: Instant,
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
            resumed: false,
            opened: now,
            seen: None,
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
                        return match self.last_answers().await? {
                            Some(ending) => Ok(ending),
                            None => self.leave().await,
                        };
                    }
                    self.plan();
                }
            }
        }
    }

    pub(crate) async fn send(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.socket.send(Message::Binary(bytes)).await
    }

    /// Decides what this phase holds, each at a moment of its own, so that bots do not act in step.
    pub(crate) fn plan(&mut self) {
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
            self.press().await?;
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

    pub(crate) async fn command(
        &mut self,
        command: impl FnOnce(u32) -> ClientMessage,
    ) -> Result<(), Error> {
        let bytes = self.bot.ledger.issue(&self.bot.run.tally, command);
        self.send(bytes).await
    }

    /// Hears the answers to what was sent in the very moment in which the run saw everything answered.
    async fn last_answers(&mut self) -> Result<Option<Ending>, Error> {
        let until = Instant::now() + TO_LEAVE;
        while self.bot.ledger.waiting().next().is_some() {
            match timeout_at(until, self.socket.next()).await {
                Err(_) => break,
                Ok(None) => return Ok(Some(Ending::Lost(NO_CODE))),
                Ok(Some(message)) => {
                    if let Some(ending) = self.heard(message?).await? {
                        return Ok(Some(ending));
                    }
                }
            }
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
