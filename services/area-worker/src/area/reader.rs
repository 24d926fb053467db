//! Brings an area's commands from the log to its inbox.
//!
//! Reading begins while the claim is on its way, so that the first tick finds what has come. What
//! is read changes nothing; when the claim fails it is dropped.

use std::time::Duration;

use eventlog::{EventLog, Follow, ReadError, Record};
use schemas::subjects::{AREA_COMMANDS, area_commands};
use schemas::{AreaId, Sequence};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::inbox::WAITING_MESSAGES;

/// Between two attempts after a refusal.
const PAUSE: Duration = Duration::from_secs(1);

/// A task that reads an area's commands, as long as this is kept.
pub(crate) struct Reading {
    /// What has been read.
    pub(crate) messages: mpsc::Receiver<Record>,
    /// Ends the task when it is dropped.
    pub(crate) task: AbortOnDrop,
}

impl Reading {
    /// Begins after `after`.
    pub(crate) fn begin(log: &EventLog, area: &AreaId, after: Sequence) -> Self {
        let (inbox, messages) = mpsc::channel(WAITING_MESSAGES);
        let reading = read(log.clone(), area.clone(), after, inbox);
        Self {
            messages,
            task: AbortOnDrop(tokio::spawn(reading)),
        }
    }
}

/// A task that ends with whoever started it.
pub(crate) struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Reads the commands of `area` after `after` until nobody takes them any more.
async fn read(log: EventLog, area: AreaId, after: Sequence, inbox: mpsc::Sender<Record>) {
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
