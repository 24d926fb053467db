//! What two workers say to each other while an area goes from one to the other: "I have it, you may
//! let go".
//!
//! A hint, not stored and repeated until it is no longer true. One that is lost costs a moment; one
//! that is forged makes an owner let go a little earlier of an area that is placed elsewhere anyway.

use bytes::Bytes;
use eventlog::{CoreMessage, EventLog};
use schemas::subjects::ready;
use schemas::{AreaId, WorkerId};

/// All of them.
pub(crate) const EVERYWHERE: &str = "ready.area.*";

/// Tells the owner of `area` that `me` has restored it and follows it.
pub(crate) async fn say(log: &EventLog, area: &AreaId, me: &WorkerId) {
    let name = Bytes::copy_from_slice(me.as_bytes());
    if let Err(error) = log.publish_core(&ready(area), name).await {
        tracing::debug!(area.id = %area, %error, "a hint was not sent; it will be again");
    }
}

/// Which area, and who is ready to take it.
pub(crate) fn heard(message: &CoreMessage) -> Option<(AreaId, WorkerId)> {
    let area = message.subject.strip_prefix("ready.area.")?;
    let worker = std::str::from_utf8(&message.payload).ok()?;
    Some((AreaId::new(area).ok()?, worker.to_owned()))
}
