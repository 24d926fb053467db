//! The socket of one connection, and everything that can wake its task, in one place.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use bytes::Bytes;
use futures_util::{Sink, Stream};
use schemas::wire::{CloseCode, Encoding, MAX_INBOUND_BYTES, ServerMessage};
use tokio::time::{Instant, Sleep, sleep_until};

use super::closing::{End, fitting};
use super::mailbox::{Item, Mailbox, Taken};
use crate::meters::Meters;

/// How long the other side gets to take a close frame and answer it.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long the socket stays after both sides have said farewell.
const LINGER: Duration = Duration::from_millis(100);

/// Whatever can wake a connection.
pub(super) enum Wake {
    /// The client has sent a message.
    Inbound(Bytes),
    /// The client has sent a ping or a pong, which the library answers.
    Control,
    /// The next of the mailbox; the socket has room for it.
    Item(Item),
    /// The deadline has passed.
    Deadline,
}

/// A websocket that speaks one encoding.
pub(super) struct Socket {
    inner: WebSocket,
    encoding: Encoding,
    alarm: Pin<Box<Sleep>>,
    unflushed: bool,
    /// Since when the network takes nothing.
    stalled_since: Option<Instant>,
}

impl Socket {
    pub(super) fn new(inner: WebSocket, encoding: Encoding) -> Self {
        Self {
            inner,
            encoding,
            alarm: Box::pin(sleep_until(Instant::now())),
            unflushed: false,
            stalled_since: None,
        }
    }

    pub(super) const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Since when the network takes nothing of what waits; `None` when it does.
    pub(super) const fn stalled_since(&self) -> Option<Instant> {
        self.stalled_since
    }

    /// Writes what waits, and sleeps until there is something to do, at most until `deadline`.
    pub(super) async fn wake(
        &mut self,
        mailbox: &Mailbox,
        deadline: Instant,
        meters: &Meters,
    ) -> Result<Wake, End> {
        // An alarm that is too early only means one look more, and looks are cheap.
        if self.alarm.deadline() > deadline || self.alarm.is_elapsed() {
            self.alarm.as_mut().reset(deadline);
        }
        poll_fn(|cx| self.poll_wake(cx, mailbox, meters)).await
    }

    fn poll_wake(
        &mut self,
        cx: &mut Context<'_>,
        mailbox: &Mailbox,
        meters: &Meters,
    ) -> Poll<Result<Wake, End>> {
        mailbox.register(cx.waker());
        match Pin::new(&mut self.inner).poll_ready(cx) {
            Poll::Ready(Err(_)) => return Poll::Ready(Err(End::Gone)),
            Poll::Ready(Ok(())) => match mailbox.take() {
                Taken::Item(item) => return Poll::Ready(Ok(Wake::Item(item))),
                Taken::End(code, why) => return Poll::Ready(Err(End::close(code, why))),
                Taken::Nothing => {}
            },
            Poll::Pending => {
                self.stall();
                if let Some((code, why)) = mailbox.ended() {
                    return Poll::Ready(Err(End::close(code, why)));
                }
            }
        }
        if self.unflushed {
            match Pin::new(&mut self.inner).poll_flush(cx) {
                Poll::Ready(Err(_)) => return Poll::Ready(Err(End::Gone)),
                Poll::Ready(Ok(())) => {
                    self.unflushed = false;
                    self.stalled_since = None;
                }
                Poll::Pending => self.stall(),
            }
        }
        match Pin::new(&mut self.inner).poll_next(cx) {
            Poll::Ready(message) => return Poll::Ready(self.inbound(message, meters)),
            Poll::Pending => {}
        }
        self.alarm.as_mut().poll(cx).map(|()| Ok(Wake::Deadline))
    }

    fn stall(&mut self) {
        self.stalled_since.get_or_insert_with(Instant::now);
    }

    fn inbound(
        &self,
        message: Option<Result<Message, axum::Error>>,
        meters: &Meters,
    ) -> Result<Wake, End> {
        let bytes = match (message, self.encoding) {
            (Some(Ok(Message::Binary(bytes))), Encoding::MsgPack) => bytes,
            (Some(Ok(Message::Text(text))), Encoding::Json) => Bytes::from(text),
            (Some(Ok(Message::Ping(bytes) | Message::Pong(bytes))), _) => {
                meters.frames_in.increment(1);
                meters.bytes_in.increment(bytes.len() as u64);
                return Ok(Wake::Control);
            }
            (Some(Ok(Message::Binary(_) | Message::Text(_))), _) => {
                let why = "the other kind of message was agreed";
                return Err(End::close(CloseCode::Malformed, why));
            }
            (Some(Err(error)), _) => return Err(what_went_wrong(&error)),
            (Some(Ok(Message::Close(_))) | None, _) => return Err(End::Gone),
        };
        meters.frames_in.increment(1);
        meters.bytes_in.increment(bytes.len() as u64);
        if bytes.len() > MAX_INBOUND_BYTES {
            let why = "a message may have 4096 bytes";
            return Err(End::close(CloseCode::TooLarge, why));
        }
        Ok(Wake::Inbound(bytes))
    }

    /// Writes a message; it leaves with the next flush.
    pub(super) fn send(&mut self, message: &ServerMessage, meters: &Meters) -> Result<(), End> {
        self.write(self.encoding.encode(message).into(), meters)
    }

    /// Writes an encoded message; it leaves with the next flush.
    pub(super) fn write(&mut self, bytes: Bytes, meters: &Meters) -> Result<(), End> {
        meters.frames_out.increment(1);
        meters.bytes_out.increment(bytes.len() as u64);
        let message = match self.encoding {
            Encoding::MsgPack => Message::Binary(bytes),
            Encoding::Json => match Utf8Bytes::try_from(bytes) {
                Ok(text) => Message::Text(text),
                Err(_) => return Err(End::close(CloseCode::Internal, "JSON is text")),
            },
        };
        self.unflushed = true;
        Pin::new(&mut self.inner)
            .start_send(message)
            .map_err(|_| End::Gone)
    }

    /// Says why, and waits a little until the other side has heard it.
    pub(super) async fn close(&mut self, code: CloseCode, why: &str) {
        let frame = CloseFrame {
            code: code.code(),
            reason: fitting(why).into(),
        };
        let farewell = async {
            if self.inner.send(Message::Close(Some(frame))).await.is_ok() {
                while let Some(Ok(_)) = self.inner.recv().await {}
                // What is still on its way here would make the system reset the connection, and
                // the other side might never read why.
                tokio::time::sleep(LINGER).await;
            }
        };
        // A client that does not answer is left behind.
        drop(tokio::time::timeout(FAREWELL, farewell).await);
    }
}

/// The library's errors are its own; their text is what tells them apart.
fn what_went_wrong(error: &axum::Error) -> End {
    let text = error.to_string();
    if text.contains("Space limit exceeded") || text.contains("too long") {
        End::close(CloseCode::TooLarge, "a message may have 4096 bytes")
    } else if text.contains("without closing handshake") || text.contains("IO error") {
        End::Gone
    } else {
        End::close(CloseCode::Malformed, "this is no websocket message")
    }
}
