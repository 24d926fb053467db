//! Where an event comes from.

use std::sync::Arc;

use schemas::{Digest, Epoch, FrameNo, Incarnation, Sequence};
use serde::Serialize;

/// Where an event comes from: the same for all events of one message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, schemars::JsonSchema)]
pub struct Metadata {
    /// The life of the command stream that `cause` counts in.
    pub incarnation: Incarnation,
    /// The fencing token of the area's owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// The frame's place in its area's chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<FrameNo>,
    /// The worker that owned the area.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<Arc<str>>,
    /// The keyed aggregate, where no column names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// The trace in which it was decided (`traceparent`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<Arc<str>>,
    /// The last command that was consumed with it; none when none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// A keyed aggregate that is no account, character or area.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Key {
    /// A worker's name.
    Worker(String),
    /// Where a credential or a name is.
    Place(Digest),
}

/// A message in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Cause {
    /// The stream.
    pub stream: &'static str,
    /// Its place there.
    pub sequence: Sequence,
}
