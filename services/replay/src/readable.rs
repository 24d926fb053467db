//! Sealed texts for readers: opened with the realm's key, else shown as sealed.

use schemas::sealed::{RealmKey, Sealed};
use serde::Serialize;
use serde_json::Value;

/// Reads what people wrote, as far as it may.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    key: Option<RealmKey>,
}

impl Reader {
    pub(crate) const fn new(key: Option<RealmKey>) -> Self {
        Self { key }
    }

    /// The text, or a placeholder that says why not.
    pub(crate) fn open(&self, sealed: &Sealed) -> String {
        match &self.key {
            None => format!("[sealed {}]", sealed.key),
            Some(key) => key
                .open(sealed)
                .unwrap_or_else(|_| format!("[sealed {}, does not open]", sealed.key)),
        }
    }

    /// Any message as JSON, with every sealed text within it opened.
    pub(crate) fn json<T: Serialize>(&self, message: &T) -> Value {
        match serde_json::to_value(message) {
            Ok(value) => self.opened(value),
            Err(error) => Value::String(format!("[not to be shown as JSON: {error}]")),
        }
    }

    fn opened(&self, value: Value) -> Value {
        match value {
            Value::Object(fields) => match sealed(&fields) {
                Some(sealed) => Value::String(self.open(&sealed)),
                // Sealed to one reader, who is not us: who would look at the bytes?
                None if is_sealed_to(&fields) => Value::String("[sealed to its reader]".into()),
                None => Value::Object(
                    fields
                        .into_iter()
                        .map(|(name, value)| (name, self.opened(value)))
                        .collect(),
                ),
            },
            Value::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.opened(item)).collect())
            }
            plain => plain,
        }
    }
}

fn is_sealed_to(fields: &serde_json::Map<String, Value>) -> bool {
    let names = ["bytes", "enc", "key"];
    fields.len() == names.len() && names.iter().all(|name| fields.contains_key(*name))
}

fn sealed(fields: &serde_json::Map<String, Value>) -> Option<Sealed> {
    let names = ["bytes", "key", "nonce"];
    if fields.len() != names.len() || !names.iter().all(|name| fields.contains_key(*name)) {
        return None;
    }
    serde_json::from_value(Value::Object(fields.clone())).ok()
}
