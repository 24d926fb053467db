//! Differences between what the file says and what the broker has, in sentences.

use std::fmt;

use serde_json::Value;

use super::units;
use crate::log::has_incarnation;

/// One difference between the file and the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The stream.
    pub stream: String,
    /// The field, as the broker names it.
    pub field: String,
    /// A sentence.
    pub what: String,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.stream, self.what)
    }
}

impl Drift {
    pub(super) fn missing(stream: &str) -> Self {
        Self {
            stream: stream.to_owned(),
            field: "name".to_owned(),
            what: "there is no such stream".to_owned(),
        }
    }
}

/// Every field of `wanted` that `found` has otherwise. What the file does not mention is not compared.
pub(super) fn between(wanted: &Value, found: &Value) -> Vec<Drift> {
    let stream = wanted["name"].as_str().unwrap_or_default();
    let drift = |field: &str, what: String| Drift {
        stream: stream.to_owned(),
        field: field.to_owned(),
        what,
    };
    let fields = wanted.as_object().into_iter().flatten();
    let differing = fields.filter(|(field, wanted)| !same(wanted, &found[field.as_str()]));
    let mut drifts: Vec<Drift> = differing
        .map(|(field, wanted)| {
            let (found, wanted) = (show(field, &found[field.as_str()]), show(field, wanted));
            drift(field, format!("{field} is {found} and should be {wanted}"))
        })
        .collect();
    if !has_incarnation(found) {
        let what = "it carries no incarnation".to_owned();
        drifts.push(drift("metadata", what));
    }
    drifts
}

/// The broker leaves out what is false, zero or empty.
fn same(wanted: &Value, found: &Value) -> bool {
    match (wanted, found) {
        (Value::Bool(false), Value::Null) => true,
        (Value::Number(number), Value::Null) => number.as_u64() == Some(0),
        (Value::Object(wanted), Value::Object(_)) => {
            let mut fields = wanted.iter();
            fields.all(|(field, wanted)| same(wanted, &found[field.as_str()]))
        }
        (wanted, found) => wanted == found,
    }
}

fn show(field: &str, value: &Value) -> String {
    let number = value.as_u64();
    match field {
        "max_age" | "duplicate_window" | "subject_delete_marker_ttl" => match number {
            Some(0) | None => "unlimited".to_owned(),
            Some(nanos) => units::show_nanos(nanos),
        },
        "max_bytes" => match number {
            Some(0) | None => "unlimited".to_owned(),
            Some(bytes) => units::show_bytes(bytes),
        },
        _ if value.is_null() => "not set".to_owned(),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_drift_is_a_sentence_an_operator_understands() {
        let wanted =
            json!({ "name": "S", "max_age": 604_800_000_000_000_u64, "deny_delete": false });
        let found = json!({
            "name": "S", "max_age": 86_400_000_000_000_u64, "placement": {},
            "metadata": { "worldline.incarnation": "0000000000001" },
        });
        let drifts = between(&wanted, &found);
        assert_eq!(drifts.len(), 1, "{drifts:?}");
        assert_eq!(drifts[0].to_string(), "S: max_age is 1d and should be 7d");
    }
}
