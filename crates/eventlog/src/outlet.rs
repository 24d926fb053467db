//! From a reading task to whoever takes its messages: bounded in messages and in bytes.
//!
//! Messages that have come together are handed out together, so that what a hand-over costs is paid once for many of
//! them. Nobody waits for company: a lone message goes alone.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::backend::Raw;
use crate::error::ReadError;

/// Messages that are handed out together.
pub(crate) const TOGETHER: usize = 64;
/// Hand-overs that may wait: 1,024 messages at most.
const WAITING: usize = 16;
/// KiB that may wait; one larger message may too.
const KIB: u32 = 8 * 1024;

/// What a reading task hands out.
pub(crate) enum Flow {
    Message(Raw),
    /// There was nothing more when it looked.
    Head,
    Failed(ReadError),
}

/// What goes through at once.
enum Parcel {
    Flow(Flow),
    Messages(Vec<Raw>),
}

/// Room taken until all of a parcel has been taken out.
type Permit = Option<OwnedSemaphorePermit>;

/// The task's end. When the other end is gone, everything here fails, and the task ends.
pub(crate) struct Outlet {
    sender: mpsc::Sender<(Parcel, Permit)>,
    room: Arc<Semaphore>,
    pub(crate) cancelled: CancellationToken,
}

/// The taker's end. Dropping it ends the task.
pub(crate) struct Inlet {
    receiver: mpsc::Receiver<(Parcel, Permit)>,
    /// Of the last parcel, what has not been taken out.
    opened: VecDeque<Raw>,
    room: Permit,
    _ends_the_task: DropGuard,
}

/// The taker has gone.
pub(crate) struct Gone;

pub(crate) fn pair() -> (Outlet, Inlet) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let cancelled = CancellationToken::new();
    let inlet = Inlet {
        receiver,
        opened: VecDeque::new(),
        room: None,
        _ends_the_task: cancelled.clone().drop_guard(),
    };
    let outlet = Outlet {
        sender,
        room: Arc::new(Semaphore::new(KIB as usize)),
        cancelled,
    };
    (outlet, inlet)
}

impl Outlet {
    /// Hands out a message; waits while there is no room.
    pub(crate) async fn message(&self, raw: Raw) -> Result<(), Gone> {
        self.messages(vec![raw]).await
    }

    /// Hands out messages in their order; waits while there is no room.
    pub(crate) async fn messages(&self, all: Vec<Raw>) -> Result<(), Gone> {
        let kib: usize = all.iter().map(|raw| raw.payload.len() / 1024 + 1).sum();
        let kib = u32::try_from(kib).unwrap_or(KIB);
        let room = Arc::clone(&self.room).acquire_many_owned(kib.min(KIB));
        let permit = tokio::select! {
            biased;
            permit = room => permit.map_err(|_| Gone)?,
            () = self.cancelled.cancelled() => return Err(Gone),
        };
        let sent = self.sender.send((Parcel::Messages(all), Some(permit)));
        sent.await.map_err(|_| Gone)
    }

    pub(crate) async fn head(&self) -> Result<(), Gone> {
        let sent = self.sender.send((Parcel::Flow(Flow::Head), None)).await;
        sent.map_err(|_| Gone)
    }

    /// Tells of the failure that ends the task, after all that came before it.
    pub(crate) async fn last_word(&self, error: ReadError) -> Gone {
        let word = Parcel::Flow(Flow::Failed(error));
        self.sender.send((word, None)).await.ok();
        Gone
    }

    /// Tells of a failure, unless there are messages before it or one has been told already.
    pub(crate) fn failed(&self, error: ReadError) {
        if self.sender.capacity() == self.sender.max_capacity() {
            let word = Parcel::Flow(Flow::Failed(error));
            self.sender.try_send((word, None)).ok();
        }
    }
}

impl Inlet {
    /// Cancel safe.
    pub(crate) async fn next(&mut self) -> Flow {
        loop {
            if let Some(raw) = self.next_opened() {
                return Flow::Message(raw);
            }
            match self.receiver.recv().await {
                Some(parcel) => {
                    if let Some(flow) = self.open(parcel) {
                        return flow;
                    }
                }
                None => {
                    return Flow::Failed(ReadError::Unavailable {
                        what: "reading".to_owned(),
                        reason: "the reading task has ended".to_owned(),
                    });
                }
            }
        }
    }

    pub(crate) fn try_next(&mut self) -> Option<Flow> {
        loop {
            if let Some(raw) = self.next_opened() {
                return Some(Flow::Message(raw));
            }
            let parcel = self.receiver.try_recv().ok()?;
            if let Some(flow) = self.open(parcel) {
                return Some(flow);
            }
        }
    }

    fn next_opened(&mut self) -> Option<Raw> {
        let raw = self.opened.pop_front();
        if self.opened.is_empty() {
            self.room = None;
        }
        raw
    }

    /// Keeps what it holds; `None` for messages.
    fn open(&mut self, (parcel, room): (Parcel, Permit)) -> Option<Flow> {
        match parcel {
            Parcel::Flow(flow) => Some(flow),
            Parcel::Messages(all) => {
                self.opened = all.into();
                self.room = room;
                None
            }
        }
    }
}
