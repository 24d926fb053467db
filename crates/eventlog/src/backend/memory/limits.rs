//! What a stream's configuration says, read once.

use std::time::Duration;

use serde_json::Value;

/// The part of a stream's configuration that the twin heeds.
#[derive(Debug, Default)]
pub(super) struct Limits {
    pub(super) subjects: Vec<String>,
    pub(super) max_age: Option<Duration>,
    pub(super) dedupe_window: Option<Duration>,
    /// More bytes are refused; `None` where the oldest make room, which the twin leaves out.
    pub(super) refuses_beyond: Option<u64>,
    /// Whether many messages may be stored as one.
    pub(super) takes_batches: bool,
    /// Messages kept of a subject; 0: all.
    pub(super) per_subject: u64,
    /// Whether a marker stands where the last message of a subject has expired.
    pub(super) marks_expired: bool,
    /// What is republished, and what is put in front of its subject. Only `source` →
    /// `prefix.source` is used.
    pub(super) republish: Option<(String, String)>,
}

impl Limits {
    pub(super) fn of(config: &Value) -> Self {
        let positive = |field: &str| config[field].as_u64().filter(|value| *value > 0);
        let duration = |field: &str| positive(field).map(Duration::from_nanos);
        let subjects = config["subjects"].as_array().into_iter().flatten();
        let republish = || {
            let source = config["republish"]["src"].as_str()?;
            let destination = config["republish"]["dest"].as_str()?;
            let prefix = destination.strip_suffix(source).unwrap_or_default();
            Some((source.to_owned(), prefix.to_owned()))
        };
        Self {
            subjects: subjects
                .filter_map(Value::as_str)
                .map(ToOwned::to_owned)
                .collect(),
            max_age: duration("max_age"),
            dedupe_window: duration("duplicate_window"),
            refuses_beyond: positive("max_bytes").filter(|_| config["discard"] == "new"),
            takes_batches: config["allow_atomic"] == true,
            per_subject: positive("max_msgs_per_subject").unwrap_or(0),
            marks_expired: duration("subject_delete_marker_ttl").is_some(),
            republish: republish(),
        }
    }
}
