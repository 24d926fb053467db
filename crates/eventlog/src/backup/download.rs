//! One stream's archive, as the broker hands it out while others write.
//!
//! Each piece is acknowledged only when the next is asked for, so that the broker reads no faster
//! than the pieces are put away.

use std::time::Duration;

use async_nats::Subscriber;
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde_json::json;
use tokio::time::timeout;

use super::{BackupError, broker, request};
use crate::EventLog;

/// The size of a piece, in bytes.
const PIECE: u32 = 128 << 10;
/// How much the broker may have sent and not have acknowledged, in bytes.
const WINDOW: u32 = 2 << 20;
/// A broker that sends nothing for so long sends nothing any more.
const SILENCE: Duration = Duration::from_secs(20);

/// A stream on its way out of the broker.
pub struct Download {
    stream: String,
    client: async_nats::Client,
    pieces: Subscriber,
    acknowledge: Option<async_nats::Subject>,
    ended: bool,
}

impl Download {
    /// Begins the copy of `stream`: what it holds when the broker takes the request is in it.
    ///
    /// # Errors
    /// When the broker does not answer, or refuses.
    pub async fn begin(log: &EventLog, stream: &str) -> Result<Self, BackupError> {
        let client = broker(log)?.bulk.client.clone();
        let inbox = client.new_inbox();
        let pieces = client.subscribe(inbox.clone()).await;
        let pieces = pieces.map_err(|error| BackupError::Ended {
            stream: stream.to_owned(),
            reason: error.to_string(),
        })?;
        let wish = json!({
            "deliver_subject": inbox,
            // Readers' consumers are theirs; where the durable ones begin is in the manifest.
            "no_consumers": true,
            "chunk_size": PIECE,
            "window_size": WINDOW,
        });
        request(log, "the copy", "STREAM.SNAPSHOT", stream, &wish).await?;
        Ok(Self {
            stream: stream.to_owned(),
            client,
            pieces,
            acknowledge: None,
            ended: false,
        })
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// When the broker ends the copy before its end, or falls silent.
    pub async fn next(&mut self) -> Result<Option<Bytes>, BackupError> {
        if self.ended {
            return Ok(None);
        }
        if let Some(subject) = self.acknowledge.take() {
            let sent = self.client.publish(subject, Bytes::new()).await;
            sent.map_err(|error| self.broken(error.to_string()))?;
        }
        let piece = timeout(SILENCE, self.pieces.next()).await;
        let Ok(Some(piece)) = piece else {
            return Err(self.broken(format!("nothing came for {SILENCE:?}")));
        };
        if !piece.payload.is_empty() {
            self.acknowledge = piece.reply;
            return Ok(Some(piece.payload));
        }
        self.ended = true;
        match piece.status {
            None => Ok(None),
            Some(status) if status.is_success() => Ok(None),
            Some(status) => {
                let words = piece.description.unwrap_or_default();
                Err(self.broken(format!("{status} {words}")))
            }
        }
    }

    fn broken(&self, reason: String) -> BackupError {
        BackupError::Ended {
            stream: self.stream.clone(),
            reason,
        }
    }
}
