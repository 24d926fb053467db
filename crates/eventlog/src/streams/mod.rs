//! Streams and buckets as data: `nats/streams.toml`, applied by one idempotent command.
//!
//! Nothing here deletes. A stream is created with an *incarnation*, a random birth mark in its
//! metadata, so that a position stored for one life of it is never used in another.

mod drift;
mod file;
mod units;

use schemas::Incarnation;
use serde_json::Value;

pub use self::drift::Drift;
pub use self::file::{StreamsFile, StreamsFileError};
use crate::EventLog;
use crate::ask::{ask, read_error};
use crate::backend::AskFault;
use crate::error::ReadError;
use crate::lineage::Lineage;
use crate::log::{half_restored, has_incarnation};

/// Where the incarnation stands in a stream's metadata.
pub(crate) const INCARNATION: &str = "worldline.incarnation";
/// The mark of a stream that is being restored: from which backup. Whoever reads it stops.
pub(crate) const RESTORING: &str = "worldline.restoring";

/// What `apply` has done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Streams it created.
    pub created: Vec<String>,
    /// Streams it changed, with what it changed.
    pub changed: Vec<Drift>,
    /// Streams that were as they should be.
    pub unchanged: Vec<String>,
}

/// Makes the broker's streams what the file says. Creates and changes; never deletes. Idempotent.
///
/// # Errors
/// See [`ReadError`]; `Refused` when the broker cannot change a field in place.
pub async fn apply(log: &EventLog, file: &StreamsFile) -> Result<Report, ReadError> {
    let mut report = Report::default();
    for wanted in file.configs() {
        apply_one(log, &wanted, &mut report).await?;
    }
    Ok(report)
}

/// How many copies of the areas' events there are; `None` without that stream.
///
/// # Errors
/// See [`ReadError`].
pub async fn replicas(log: &EventLog) -> Result<Option<u8>, ReadError> {
    let found = found(log, schemas::subjects::AREA_EVENTS).await?;
    let replicas = found.and_then(|config| config["num_replicas"].as_u64());
    Ok(replicas.and_then(|replicas| u8::try_from(replicas).ok()))
}

/// Reports every difference and changes nothing.
///
/// # Errors
/// See [`ReadError`].
pub async fn check(log: &EventLog, file: &StreamsFile) -> Result<Vec<Drift>, ReadError> {
    let mut drifts = Vec::new();
    for wanted in file.configs() {
        let name = name(&wanted);
        match found(log, name).await? {
            Some(found) => drifts.extend(drift::between(&wanted, &found)),
            None => drifts.push(Drift::missing(name)),
        }
    }
    Ok(drifts)
}

/// Gives a stream a new incarnation without ancestors: from now on every stored position in it is
/// refused. For streams that were changed by other means than `worldline restore`.
///
/// # Errors
/// See [`ReadError`].
pub async fn renew_incarnation(log: &EventLog, stream: &str) -> Result<Incarnation, ReadError> {
    let Some(mut config) = found(log, stream).await? else {
        return Err(ReadError::NoStream {
            stream: stream.to_owned(),
        });
    };
    let incarnation = mark(&mut config);
    update(log, stream, &config).await?;
    Ok(incarnation)
}

fn name(config: &Value) -> &str {
    config["name"].as_str().unwrap_or_default()
}

fn mark(config: &mut Value) -> Incarnation {
    let incarnation = Incarnation(ambient::random());
    Lineage::first(incarnation).write(config);
    incarnation
}

async fn found(log: &EventLog, stream: &str) -> Result<Option<Value>, ReadError> {
    match ask("the state", stream, || log.backend.state(stream, None)).await {
        Ok(state) => Ok(Some(state.config)),
        Err(ReadError::NoStream { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn update(log: &EventLog, stream: &str, config: &Value) -> Result<(), ReadError> {
    ask("the change", stream, || log.backend.update_stream(config)).await
}

async fn apply_one(log: &EventLog, wanted: &Value, report: &mut Report) -> Result<(), ReadError> {
    let name = name(wanted).to_owned();
    let Some(mut found) = found(log, &name).await? else {
        let mut config = wanted.clone();
        mark(&mut config);
        let created = ask("the creation", &name, || log.backend.create_stream(&config)).await;
        return match created {
            Ok(()) => {
                report.created.push(name);
                Ok(())
            }
            // Somebody else was faster, or a first answer was lost: what counts is what is there.
            Err(ReadError::Refused { .. }) if self::found(log, &name).await?.is_some() => {
                report.unchanged.push(name);
                Ok(())
            }
            Err(error) => Err(error),
        };
    };
    if let Some(backup) = found["metadata"][RESTORING].as_str() {
        let fault = AskFault::Refused(half_restored(backup));
        return Err(read_error(format!("applying {name}"), &name, fault));
    }
    let drifts = drift::between(wanted, &found);
    if drifts.is_empty() {
        report.unchanged.push(name);
        return Ok(());
    }
    if !has_incarnation(&found) {
        mark(&mut found);
    }
    for (field, value) in wanted.as_object().into_iter().flatten() {
        found[field] = value.clone();
    }
    update(log, &name, &found).await?;
    let now = self::found(log, &name).await?.unwrap_or_default();
    if let Some(left) = drift::between(wanted, &now).first() {
        let what = format!("changing {name}");
        let reason = format!("the broker took the change, but {left}");
        return Err(read_error(what, &name, AskFault::Refused(reason)));
    }
    report.changed.extend(drifts);
    Ok(())
}

impl EventLog {
    /// Creates in the twin what `nats/streams.toml` says.
    pub(crate) fn marked(file: &StreamsFile) -> impl Iterator<Item = Value> {
        file.configs().into_iter().map(|mut config| {
            mark(&mut config);
            config
        })
    }
}
