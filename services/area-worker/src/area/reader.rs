//! Brings an area's commands from the log to its inbox.

use std::time::Duration;

use eventlog::{EventLog, Follow, ReadError, Record};
use schemas::subjects::{AREA_COMMANDS, area_commands};
use schemas::{AreaId, Sequence};
use tokio::sync::mpsc;

/// Between two attempts after a refusal.
const PAUSE: Duration = Duration::from_secs(1);

/// Reads the commands of `area` after `after` until nobody takes them any more.
pub(crate) async fn read(
    log: EventLog,
    area: AreaId,
    after: Sequence,
    inbox: mpsc::Sender<Record>,
) {
    let mut reader = log.read(
        AREA_COMMANDS,
        vec![area_commands(&area)],
        after,
        Follow::Tail,
    );
    loop {
        match reader.next().await {
            Ok(Some(record)) => {
                if inbox.send(record).await.is_err() {
                    return;
                }
            }
            Ok(None) => {
                tracing::warn!(area.id = %area, "the reader of commands came to an end; reading on")
            }
            Err(ReadError::Unavailable { what, reason }) => {
                tracing::warn!(area.id = %area, what, reason, "no commands can be read; reading on");
            }
            Err(error) => {
                tracing::error!(area.id = %area, %error, "commands cannot be read; trying again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
