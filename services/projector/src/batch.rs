//! Gathering events for one transaction.

use eventlog::Record;
use past::{PastError, PastReader};
use tokio::time::{Instant, timeout, timeout_at};

use crate::config::Config;

/// No transaction holds more than this, in bytes of the log.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// What the reader had.
pub(crate) enum Gathered {
    /// These, in order; at least one.
    Events(Vec<Record>),
    /// Nothing for so long that it is time to look whether the rows are still ours.
    Idle,
    /// Nothing: the head is reached (only of a reader that ends there).
    Head,
}

/// Waits for one event, but not for ever; then takes what comes within `linger`, at most `limit`.
pub(crate) async fn gather(
    reader: &mut PastReader,
    limit: usize,
    config: &Config,
) -> Result<Gathered, PastError> {
    let first = match timeout(config.idle(), reader.next()).await {
        Ok(first) => first?,
        Err(_) => return Ok(Gathered::Idle),
    };
    let Some(first) = first else {
        return Ok(Gathered::Head);
    };
    let deadline = Instant::now() + config.linger.duration();
    let mut bytes = first.payload.len();
    let mut events = vec![first];
    while events.len() < limit && bytes < MAX_BYTES {
        // Dropping `next` loses nothing: it hands over a record only as its last act.
        match timeout_at(deadline, reader.next()).await {
            Ok(Ok(Some(record))) => {
                bytes += record.payload.len();
                events.push(record);
            }
            // The head, or time is up. An error comes again when asked again.
            Ok(Ok(None) | Err(_)) | Err(_) => break,
        }
    }
    Ok(Gathered::Events(events))
}
