//! From a reading task to whoever takes its messages: bounded in messages and in bytes.

use std::sync::Arc;

use tokio::sync::mpsc::{self, error::TryRecvError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::backend::Raw;
use crate::error::ReadError;

/// Messages that may wait.
const MESSAGES: usize = 1024;
/// KiB that may wait; one larger message may too.
const KIB: u32 = 8 * 1024;

/// What a reading task hands out.
pub(crate) enum Flow {
    Message(Raw),
    /// There was nothing more when it looked.
    Head,
    Failed(ReadError),
}

/// The task's end. When the other end is gone, everything here fails, and the task ends.
pub(crate) struct Outlet {
    sender: mpsc::Sender<(Flow, Option<OwnedSemaphorePermit>)>,
    room: Arc<Semaphore>,
    pub(crate) cancelled: CancellationToken,
}

/// The taker's end. Dropping it ends the task.
pub(crate) struct Inlet {
    receiver: mpsc::Receiver<(Flow, Option<OwnedSemaphorePermit>)>,
    _ends_the_task: DropGuard,
}

/// The taker has gone.
pub(crate) struct Gone;

pub(crate) fn pair() -> (Outlet, Inlet) {
    let (sender, receiver) = mpsc::channel(MESSAGES);
    let cancelled = CancellationToken::new();
    let inlet = Inlet {
        receiver,
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
        let kib = u32::try_from(raw.payload.len() / 1024 + 1).unwrap_or(KIB);
        let room = Arc::clone(&self.room).acquire_many_owned(kib.min(KIB));
        let permit = tokio::select! {
            biased;
            permit = room => permit.map_err(|_| Gone)?,
            () = self.cancelled.cancelled() => return Err(Gone),
        };
        let sent = self.sender.send((Flow::Message(raw), Some(permit))).await;
        sent.map_err(|_| Gone)
    }

    pub(crate) async fn head(&self) -> Result<(), Gone> {
        let sent = self.sender.send((Flow::Head, None)).await;
        sent.map_err(|_| Gone)
    }

    /// Tells of the failure that ends the task, after all that came before it.
    pub(crate) async fn last_word(&self, error: ReadError) -> Gone {
        self.sender.send((Flow::Failed(error), None)).await.ok();
        Gone
    }

    /// Tells of a failure, unless there are messages before it or one has been told already.
    pub(crate) fn failed(&self, error: ReadError) {
        if self.sender.capacity() == self.sender.max_capacity() {
            self.sender.try_send((Flow::Failed(error), None)).ok();
        }
    }
}

impl Inlet {
    /// Cancel safe.
    pub(crate) async fn next(&mut self) -> Flow {
        match self.receiver.recv().await {
            Some((flow, _room)) => flow,
            None => Flow::Failed(ReadError::Unavailable {
                what: "reading".to_owned(),
                reason: "the reading task has ended".to_owned(),
            }),
        }
    }

    pub(crate) fn try_next(&mut self) -> Option<Flow> {
        match self.receiver.try_recv() {
            Ok((flow, _room)) => Some(flow),
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
        }
    }
}
