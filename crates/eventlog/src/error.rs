//! What can go wrong, by what the caller can do about it.

use schemas::{Digest, Incarnation, Sequence};

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing answers there. Start the broker, or correct the address.
    #[error("no broker answers at {url}: {reason}")]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// What the last attempt met.
        reason: String,
    },
    /// The broker refuses user or password. Correct the credentials.
    #[error("the broker at {url} refuses the user {user:?}")]
    Refused {
        /// Where.
        url: String,
        /// Who asked.
        user: String,
    },
    /// The broker runs without `JetStream`, or is older than 2.11. Start another.
    #[error("the broker at {url} cannot hold the log: {reason}")]
    Unfit {
        /// Where.
        url: String,
        /// What it lacks.
        reason: String,
    },
}

/// Why nothing could be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// The broker does not answer (now). Try again later.
    #[error("{what}: the broker does not answer: {reason}")]
    Unavailable {
        /// What was being done.
        what: String,
        /// What the last attempt met.
        reason: String,
    },
    /// The user of this connection may not do it. A matter of `nats/users.toml`.
    #[error("{what}: the broker's user may not use {subject:?}")]
    Denied {
        /// What was being done.
        what: String,
        /// The subject that was refused.
        subject: String,
    },
    /// There is no such stream or bucket. Run `worldline streams apply`.
    #[error("there is no stream {stream}; `worldline streams apply` creates it")]
    NoStream {
        /// The stream looked for.
        stream: String,
    },
    /// What should be there is not: removed, or the stream was cut or restored from an older
    /// backup. Stop, compare positions, start anew from a snapshot or the archive.
    #[error("{stream}: message {wanted} of {subject} is no longer there")]
    Gone {
        /// The stream.
        stream: String,
        /// The subject.
        subject: String,
        /// The message looked for.
        wanted: Sequence,
    },
    /// The broker refused, or answered what nobody understands. A bug or a wrong version.
    #[error("{what}: {reason}")]
    Refused {
        /// What was being done.
        what: String,
        /// What the broker said.
        reason: String,
    },
}

/// Why a command has not been stored, or may not have been.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SendError {
    /// The stream is full. Nothing was stored; shed load.
    #[error("the stream that takes {subject} is full")]
    Full {
        /// The subject.
        subject: String,
    },
    /// No definite answer until the deadline. It may have been stored: send it again with
    /// the same [`MessageId`](crate::MessageId), or let its effect decide.
    #[error("no answer whether the message to {subject} was stored: {reason}")]
    Unavailable {
        /// The subject.
        subject: String,
        /// What the last attempt met.
        reason: String,
    },
    /// Larger than the broker takes. Nothing was stored; split it.
    #[error("{size} bytes are too large for {subject}")]
    TooLarge {
        /// The subject.
        subject: String,
        /// Size of the payload in bytes.
        size: usize,
    },
    /// The user of this connection may not write there. A matter of `nats/users.toml`.
    #[error("the broker's user may not publish to {subject}")]
    Denied {
        /// The subject.
        subject: String,
    },
    /// The broker refused for another reason. Nothing was stored; a bug or a wrong version.
    #[error("the broker refuses the message to {subject}: {reason}")]
    Refused {
        /// The subject.
        subject: String,
        /// What the broker said.
        reason: String,
    },
}

/// Why an append has not happened, or may not have happened.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// Somebody else has written to the subject. Stop owning at once; nothing of this appender
    /// will ever be stored again.
    #[error("{subject} was written by somebody else, up to sequence {by}")]
    Fenced {
        /// The subject.
        subject: String,
        /// The last sequence the leader holds for the subject.
        by: Sequence,
    },
    /// What this appender knows to be stored is no longer there: the leader's last message of the subject lies before
    /// it. Stop, and let nobody go on from there: it would forget what others have been told.
    #[error(
        "{subject} ends at {last}, before its message {known}, which was acknowledged: its newest messages were purged or \
         deleted, or the stream was truncated or restored from an older backup"
    )]
    Gone {
        /// The subject.
        subject: String,
        /// The last message that is known to have been stored.
        known: Sequence,
        /// The last one that the leader holds; 0 when it holds none.
        last: Sequence,
    },
    /// No definite answer until the deadline: it may have been stored. Call
    /// [`Appender::resume`](crate::Appender::resume), or open a new appender.
    #[error("no answer whether the append to {subject} was stored: {reason}")]
    Unavailable {
        /// The subject.
        subject: String,
        /// What the last attempt met.
        reason: String,
    },
    /// An earlier append of this appender is still undecided. Call
    /// [`Appender::resume`](crate::Appender::resume) first.
    #[error("an earlier append to {subject} is still undecided")]
    Undecided {
        /// The subject.
        subject: String,
    },
    /// Larger than the broker takes. Nothing was stored; split it.
    #[error("{size} bytes are too large for {subject}")]
    TooLarge {
        /// The subject.
        subject: String,
        /// Size of the payload in bytes.
        size: usize,
    },
    /// The stream is full. Nothing was stored; tell an operator.
    #[error("the stream that takes {subject} is full")]
    Full {
        /// The subject.
        subject: String,
    },
    /// The user of this connection may not write there. A matter of `nats/users.toml`.
    #[error("the broker's user may not publish to {subject}")]
    Denied {
        /// The subject.
        subject: String,
    },
    /// The broker refused for another reason. Nothing was stored; a bug or a wrong version.
    #[error("the broker refuses the append to {subject}: {reason}")]
    Refused {
        /// The subject.
        subject: String,
        /// What the broker said.
        reason: String,
    },
}

/// Why a batch was not put into a derived stream, or may not have been. Whether it was, the next [`EventLog::feed`] tells.
///
/// [`EventLog::feed`]: crate::EventLog::feed
#[derive(Debug, Clone, thiserror::Error)]
pub enum FeedError {
    /// Somebody else has written, or a batch of ours whose answer was lost has arrived. Open another pen and compare.
    #[error("{stream} has been written by somebody else after {expected}")]
    Overtaken {
        /// The stream.
        stream: String,
        /// The last sequence that this pen knows.
        expected: Sequence,
    },
    /// No definite answer. Open another pen, later.
    #[error("no answer whether messages for {stream} were stored: {reason}")]
    Unavailable {
        /// The stream.
        stream: String,
        /// What the attempt met.
        reason: String,
    },
    /// One of them is larger than the broker takes. Leave it out or cut it.
    #[error("{size} bytes are too large for {stream}")]
    TooLarge {
        /// The stream.
        stream: String,
        /// Size of the largest payload in bytes.
        size: usize,
    },
    /// The user of this connection may not write there. A matter of `nats/users.toml`.
    #[error("the broker's user may not write to {stream}")]
    Denied {
        /// The stream.
        stream: String,
    },
    /// The broker refused for another reason. Nothing was stored; a bug, a wrong version, or a full disk.
    #[error("the broker refuses messages for {stream}: {reason}")]
    Refused {
        /// The stream.
        stream: String,
        /// What the broker said.
        reason: String,
    },
}

/// Why a bucket's value was not written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UpdateError {
    /// Somebody has written the key since. Read it and decide again.
    #[error("{bucket}/{key} has been changed since revision {expected}")]
    Conflict {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
        /// The revision hoped for.
        expected: Sequence,
    },
    /// The broker did not take it.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The broker could not be asked.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Why a snapshot was not saved. None is worth stopping for: the next one may succeed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SaveError {
    /// A snapshot at or after this one is already there; the pointer only moves forward.
    #[error("a snapshot of {area} at {saved} is already there; {offered} is not newer")]
    NotNewer {
        /// The area.
        area: String,
        /// Where the kept one stands.
        saved: Sequence,
        /// Where the refused one stands.
        offered: Sequence,
    },
    /// The broker did not take it.
    #[error(transparent)]
    Update(#[from] UpdateError),
}

/// Why a stored position must not be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PositionError {
    /// The stream is not the one the position was taken in: recreated or restored.
    #[error(
        "{stream} is another stream than the one this position was stored for (incarnation {found}, stored {stored}): \
         it was recreated or restored from a backup; rebuild what was derived from it"
    )]
    OtherIncarnation {
        /// The stream.
        stream: String,
        /// Stored with the position.
        stored: Incarnation,
        /// What the stream says.
        found: Incarnation,
    },
    /// The position is of a life that the stream was restored from, and of what was lost with it.
    #[error(
        "{stream} was restored from a backup that ends at {restored_to}; the stored position {stored} is of what was \
         written after it and is lost; rebuild what was derived from it"
    )]
    LostTail {
        /// The stream.
        stream: String,
        /// Stored.
        stored: Sequence,
        /// The last message that was restored.
        restored_to: Sequence,
    },
    /// The stream ends before the position: it was truncated or restored.
    #[error(
        "{stream} ends at {last}, before the stored position {stored}: it was truncated or restored from an older \
         backup; rebuild what was derived from it"
    )]
    BehindPosition {
        /// The stream.
        stream: String,
        /// Stored.
        stored: Sequence,
        /// The stream's end.
        last: Sequence,
    },
    /// The stream goes on, and yet its subject ends before the position. Purging leaves a subject's newest message, so
    /// this was no purge of ours.
    #[error(
        "{subject} ends at {last}, before the stored position {stored}, although {stream} goes on: its newest messages were \
         purged or deleted by hand; bring them back from a backup"
    )]
    SubjectCut {
        /// The stream.
        stream: String,
        /// The exact subject.
        subject: String,
        /// Stored.
        stored: Sequence,
        /// The subject's last message; 0 when it has none.
        last: Sequence,
    },
    /// Another message stands at the position.
    #[error(
        "{stream} holds another message at {sequence} than the one this position was stored for ({stored}, found {found})"
    )]
    OtherMessage {
        /// The stream.
        stream: String,
        /// Where.
        sequence: Sequence,
        /// Stored with the position.
        stored: Digest,
        /// The digest of what stands there.
        found: Digest,
    },
    /// The stream could not be asked.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Why nothing was purged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PurgeError {
    /// Purging by wildcard would move somebody's fence.
    #[error("{subject:?} is not one exact subject; purge subject by subject")]
    NotExact {
        /// What was given.
        subject: String,
    },
    /// The stream could not be asked.
    #[error(transparent)]
    Read(#[from] ReadError),
}
