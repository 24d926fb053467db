//! What the broker holds, before a copy and after it.

use async_nats::datetime::parse_rfc3339;
use schemas::Sequence;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{BackupError, request};
use crate::EventLog;
use crate::error::ReadError;
use crate::streams::RESTORING;

/// A stream as its leader describes it.
#[derive(Debug, Clone)]
pub struct Head {
    /// Its configuration, metadata included.
    pub config: Value,
    /// The last sequence it has given.
    pub last: Sequence,
    /// How many messages it holds.
    pub messages: u64,
    /// When the leader said so, by its clock: nanoseconds since 1970.
    pub nanos: i64,
    /// Which backup is being restored to it, if that has not been finished.
    pub restoring: Option<String>,
}

/// A durable consumer, and how far its work is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Durable {
    /// Its configuration.
    pub config: Value,
    /// Every message up to this one was acknowledged.
    pub floor: u64,
    /// The consumer's own count of that message.
    pub count: u64,
}

/// The stream's head; `None` if there is no such stream.
///
/// # Errors
/// When the broker does not answer.
pub async fn head(log: &EventLog, stream: &str) -> Result<Option<Head>, BackupError> {
    let asked = request(log, "the state", "STREAM.INFO", stream, &Value::Null).await;
    let mut answer = match asked {
        Ok(answer) => answer,
        Err(BackupError::Read(ReadError::NoStream { .. })) => return Ok(None),
        Err(error) => return Err(error),
    };
    let time = answer["ts"].as_str().and_then(|ts| parse_rfc3339(ts).ok());
    let nanos = time.and_then(|time| i64::try_from(time.unix_timestamp_nanos()).ok());
    let config = answer["config"].take();
    Ok(Some(Head {
        last: Sequence(answer["state"]["last_seq"].as_u64().unwrap_or(0)),
        messages: answer["state"]["messages"].as_u64().unwrap_or(0),
        nanos: nanos.unwrap_or(0),
        restoring: config["metadata"][RESTORING]
            .as_str()
            .map(ToOwned::to_owned),
        config,
    }))
}

/// The durable consumers of `stream`, by name.
///
/// # Errors
/// When the broker does not answer.
pub async fn durables(log: &EventLog, stream: &str) -> Result<Vec<Durable>, BackupError> {
    let (mut found, mut seen) = (Vec::new(), 0);
    loop {
        let page = json!({ "offset": seen });
        let mut answer = request(log, "the consumers", "CONSUMER.LIST", stream, &page).await?;
        let page = answer["consumers"].take();
        let page = page.as_array().map(Vec::as_slice).unwrap_or_default();
        seen += page.len();
        let durable = page
            .iter()
            .filter(|consumer| consumer["config"]["durable_name"].is_string());
        found.extend(durable.map(|consumer| Durable {
            config: consumer["config"].clone(),
            floor: consumer["ack_floor"]["stream_seq"].as_u64().unwrap_or(0),
            count: consumer["ack_floor"]["consumer_seq"].as_u64().unwrap_or(0),
        }));
        let total = answer["total"].as_u64().unwrap_or(0);
        if page.is_empty() || seen as u64 >= total {
            break;
        }
    }
    found.sort_by_key(|durable| durable.config["name"].to_string());
    Ok(found)
}

impl Durable {
    /// As it stands in an archive: nothing beyond its floor, nor beyond `cut`, was delivered.
    #[must_use]
    pub fn restored(&self, cut: Sequence) -> Value {
        let floor = json!({ "consumer_seq": self.count, "stream_seq": self.floor.min(cut.0) });
        let mut config = self.config.clone();
        if let Some(config) = config.as_object_mut() {
            config.remove("metadata");
        }
        json!({ "config": config, "state": { "delivered": floor, "ack_floor": floor } })
    }
}

/// Removes a stream with all it holds. Only for what a restore has made and not finished, and for
/// what is empty.
///
/// # Errors
/// When the broker does not answer, or refuses.
pub async fn remove(log: &EventLog, stream: &str) -> Result<(), BackupError> {
    match request(log, "the removal", "STREAM.DELETE", stream, &Value::Null).await {
        Ok(_) | Err(BackupError::Read(ReadError::NoStream { .. })) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Takes the mark of an unfinished restore from a stream: from now on it is read.
///
/// # Errors
/// When the broker does not answer, or refuses.
pub async fn finish(log: &EventLog, stream: &str) -> Result<(), BackupError> {
    let Some(mut head) = head(log, stream).await? else {
        return Err(ReadError::NoStream {
            stream: stream.to_owned(),
        }
        .into());
    };
    if let Some(metadata) = head.config["metadata"].as_object_mut() {
        metadata.remove(RESTORING);
    }
    let done = request(log, "the last step", "STREAM.UPDATE", stream, &head.config).await;
    done.map(drop)
}
