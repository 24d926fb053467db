//! The one crate that knows NATS.
//!
//! Everything else speaks of appending under a fence, reading in order, following live, keeping
//! snapshots and buckets. How the broker behaves when an ack is lost, a leader dies or a reader
//! falls silent is known here and nowhere else.
//!
//! Two floors. Below is the crate-private trait `Backend`: a handful of plain operations, each
//! tried once, with two implementations, the real broker and a twin in memory. Above it stands
//! every protocol, written once, so that the twin and the broker run the same code.
//!
//! | to | use |
//! |---|---|
//! | write events, one owner per subject | [`EventLog::appender`] → [`Appender`] |
//! | write commands | [`EventLog::send`] |
//! | fill a stream derived from others | [`EventLog::feed`] → [`Feed`] |
//! | read history in order | [`EventLog::read`] → [`Reader`] |
//! | follow one subject as it is written | [`EventLog::live`] → [`Live`] |
//! | share work with acknowledgement | [`EventLog::work`] → [`Work`] |
//! | serve small aggregates by key | [`keyed`] |
//! | ask one of them | [`Requester`] |
//! | keep small mutable values | [`EventLog::bucket`] → [`Bucket`] |
//! | keep large values, files | [`EventLog::objects`] → [`Objects`] |
//! | keep snapshots | [`EventLog::snapshots`] → [`Snapshots`] |
//! | create and check streams | [`streams`] |
//! | copy streams out and in again | [`backup`] |

// The tests' toy aggregate names this crate as everybody else does.
#[cfg(test)]
extern crate self as eventlog;

mod append;
mod ask;
mod backend;
mod bucket;
mod conditioned;
mod connect;
mod core;
mod error;
mod feed;
mod lineage;
mod live;
mod log;
mod objects;
mod outlet;
mod persons;
mod purge;
mod read;
mod reading;
mod record;
mod request;
mod seeded;
mod send;
mod snapshots;
mod subject;
mod watch;
mod work;

pub mod backup;
pub mod keyed;
pub mod membership;
pub mod metric_names;
pub mod outbox;
#[cfg(feature = "simulation")]
pub mod simulation;
pub mod streams;

pub use append::Appender;
pub use backend::faults::Faults;
pub use bucket::{Bucket, Entry};
pub use connect::Connect;
pub use core::{CoreMessage, CoreSubscription};
pub use error::{
    AppendError, ConnectError, FeedError, PositionError, PurgeError, ReadError, SaveError,
    SendError, UpdateError,
};
pub use feed::{Feed, FeedMessage};
pub use keyed::{Aggregate, serve_keyed};
pub use lineage::Lineage;
pub use live::Live;
pub use log::EventLog;
pub use objects::{ObjectError, ObjectInfo, ObjectReader, Objects};
pub use purge::Purged;
pub use read::{Follow, Reader};
pub use record::{Position, Record, StreamInfo};
pub use request::{RequestError, Requester};
pub use seeded::{Defect, seeded};
pub use send::MessageId;
pub use snapshots::{Snapshot, SnapshotPoint, Snapshots};
pub use subject::matches as subject_matches;
pub use watch::Watch;
pub use work::{Job, Work, WorkOptions};

/// The in-memory twin's controls: the same as the real broker's under test.
pub type MemoryControls = Faults;
