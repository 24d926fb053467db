//! The mailbox between a replica and one connection's task.
//!
//! One queue, in order, with two bounds. *Movement* is latest-wins: when more than a few frames
//! wait, no further one is taken, and the replica owes the client a whole picture once these are
//! gone. What is *reliable* (pictures, rejections, answers, speech) is never dropped: when too
//! much of it waits, the client reads too slowly to be served, and the connection ends.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use schemas::outcome::Reason;
use schemas::wire::CloseCode;
use schemas::{AreaId, ClientSeq, Sequence};

use crate::replica::Departed;

/// Frames that may wait.
const MOST_FRAMES: usize = 4;
/// Their bytes that may wait; one frame may be larger.
const MOST_FRAME_BYTES: usize = 32 * 1024;
/// Reliable messages that may wait.
const MOST_RELIABLE: usize = 256;
/// Their bytes that may wait.
const MOST_RELIABLE_BYTES: usize = 256 * 1024;

/// What waits for a connection.
#[derive(Debug)]
pub(crate) enum Item {
    /// An encoded message.
    Message(Bytes),
    /// An encoded frame or picture, and how far it acknowledges the client's commands.
    Acknowledging(Bytes, ClientSeq),
    /// Something that the connection has to act upon.
    Signal(Signal),
}

impl Item {
    fn size(&self) -> usize {
        match self {
            Self::Message(bytes) | Self::Acknowledging(bytes, _) => bytes.len(),
            Self::Signal(_) => 16,
        }
    }
}

/// What a replica, or a helper, tells a connection.
#[derive(Debug)]
pub(crate) enum Signal {
    /// The character is in the area; its picture comes next.
    Present {
        /// In which.
        area: AreaId,
        /// All commands up to this one have had their outcome.
        ack: ClientSeq,
        /// After which frame the picture is.
        shown: Sequence,
        /// What was said after this frame follows by itself, for a session that goes on.
        heard_after: Sequence,
    },
    /// A command was refused.
    Rejected(ClientSeq, Reason),
    /// The character has left the area.
    Departed(Departed),
    /// The character has been in the area and is not there any more; where it went is not known.
    Gone,
    /// The target area has no owner yet.
    Opening,
    /// The lobby knows the character in this area.
    Located(AreaId),
    /// The lobby has the character itself.
    BackInLobby,
    /// The login session has ended.
    LoggedOut,
    /// The edge is leaving.
    Drain,
}

/// What the connection finds.
#[derive(Debug)]
pub(crate) enum Taken {
    /// The next in the queue.
    Item(Item),
    /// The connection shall end, whatever is queued.
    End(CloseCode, &'static str),
    /// Nothing now.
    Nothing,
}

/// The mailbox of one connection.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    queue: Mutex<Queue>,
    waker: AtomicWaker,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<(Lane, Item)>,
    frames: usize,
    frame_bytes: usize,
    reliable: usize,
    reliable_bytes: usize,
    end: Option<(CloseCode, &'static str)>,
    closed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Movement,
    Reliable,
}

impl Mailbox {
    /// Puts in a frame, unless too many wait: `false`.
    pub(crate) fn offer_frame(&self, bytes: Bytes, ack: ClientSeq) -> bool {
        let mut queue = self.lock();
        let full = queue.frame_bytes + bytes.len() > MOST_FRAME_BYTES;
        if queue.frames >= MOST_FRAMES || (full && queue.frames > 0) {
            return false;
        }
        queue.frames += 1;
        queue.frame_bytes += bytes.len();
        let item = (Lane::Movement, Item::Acknowledging(bytes, ack));
        queue.items.push_back(item);
        drop(queue);
        self.waker.wake();
        true
    }

    /// Puts in what must not be lost.
    pub(crate) fn put(&self, item: Item) {
        let size = item.size();
        let mut queue = self.lock();
        queue.reliable += 1;
        queue.reliable_bytes += size;
        if queue.reliable > MOST_RELIABLE || queue.reliable_bytes > MOST_RELIABLE_BYTES {
            queue.end(CloseCode::TooSlow, "the client reads too slowly");
        } else if !queue.closed {
            queue.items.push_back((Lane::Reliable, item));
        }
        drop(queue);
        self.waker.wake();
    }

    /// Ends the connection; the first reason counts.
    pub(crate) fn end(&self, code: CloseCode, why: &'static str) {
        self.lock().end(code, why);
        self.waker.wake();
    }

    /// How many frames wait.
    pub(crate) fn frames_waiting(&self) -> usize {
        self.lock().frames
    }

    /// Whether the connection has gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// The connection takes the next.
    pub(crate) fn take(&self) -> Taken {
        let mut queue = self.lock();
        if let Some((code, why)) = queue.end {
            return Taken::End(code, why);
        }
        let Some((lane, item)) = queue.items.pop_front() else {
            return Taken::Nothing;
        };
        let size = item.size();
        match lane {
            Lane::Movement => {
                queue.frames -= 1;
                queue.frame_bytes -= size;
            }
            Lane::Reliable => {
                queue.reliable -= 1;
                queue.reliable_bytes -= size;
            }
        }
        Taken::Item(item)
    }

    /// Whether the connection shall end, for one that cannot take anything now.
    pub(crate) fn ended(&self) -> Option<(CloseCode, &'static str)> {
        self.lock().end
    }

    /// The connection's task sleeps until something comes.
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// The connection has gone: nothing is kept any more.
    pub(crate) fn close(&self) {
        let mut queue = self.lock();
        queue.closed = true;
        queue.items = VecDeque::new();
    }

    /// The queue is whole between any two statements, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn end(&mut self, code: CloseCode, why: &'static str) {
        self.end.get_or_insert((code, why));
        self.items = VecDeque::new();
    }
}

#[cfg(test)]
mod tests;
