//! What a projection is: a fold of one stream into some tables.

use std::future::Future;

use eventlog::{EventLog, Record};
use past::Past;
use sqlx::PgConnection;

use crate::error::ProjectError;
use crate::name::Name;
use crate::pulse::Pulse;

/// Why an event cannot be applied; its key is parked and the others go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Poison(pub(crate) String);

impl Poison {
    /// An error with all its causes in one line.
    pub(crate) fn because(error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            let said = next.to_string();
            // Some errors say their cause's words as their own.
            if !text.contains(&said) {
                text = format!("{text}: {said}");
            }
            cause = next.source();
        }
        Self(text)
    }
}

/// Where a projection reads what its memory is made of.
#[derive(Clone)]
pub(crate) struct Source {
    /// Everything that was ever written, wherever it lies.
    pub(crate) past: Past,
    /// The broker: heads, lives of streams.
    pub(crate) log: EventLog,
    /// To be beaten while something takes long.
    pub(crate) pulse: Pulse,
}

/// Folds one stream into some tables.
///
/// What [`Projection::fold`] gathers for a key must depend on that key's events alone, never on
/// where a batch begins or ends.
pub(crate) trait Projection: Send + 'static {
    /// Which it is.
    const ID: Name;
    /// Its row in `checkpoints`.
    const NAME: &'static str = Self::ID.as_str();
    /// The stream it folds.
    const STREAM: &'static str = Self::ID.stream();
    /// Whether there are rows that go when a person is erased.
    const PERSONAL: bool = false;

    /// Forgets everything and stands where the tables stand.
    fn load(
        &mut self,
        db: &mut PgConnection,
        source: &Source,
    ) -> impl Future<Output = Result<(), ProjectError>> + Send;

    /// As [`Projection::load`], but only what the events of `key`, which is parked, need.
    fn load_key(
        &mut self,
        db: &mut PgConnection,
        source: &Source,
        key: &str,
    ) -> impl Future<Output = Result<(), ProjectError>> + Send {
        let _ = key;
        self.load(db, source)
    }

    /// Takes one event in.
    fn fold(&mut self, record: &Record) -> Result<(), Poison>;

    /// Takes one event into the memory, so that later ones can be folded, but says nothing of it in any row; unless it
    /// says that a person was erased.
    fn leave_out(&mut self, record: &Record) -> Result<(), Poison> {
        self.forget(record);
        Ok(())
    }

    /// Of an event that was given up, takes in that a person was erased, if it says so: their rows go all the same.
    fn forget(&mut self, record: &Record) {
        let _ = record;
    }

    /// An event as a person would read it; people's texts stay sealed.
    fn describe(record: &Record) -> Result<serde_json::Value, Poison>;

    /// Writes what has been folded since the last time; in the transaction of the checkpoint.
    fn write(
        &mut self,
        db: &mut PgConnection,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

/// A message of type `T` as JSON.
pub(crate) fn described<T>(record: &Record) -> Result<serde_json::Value, Poison>
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    let message: T = schemas::decode(&record.payload).map_err(|error| Poison::because(&error))?;
    serde_json::to_value(message).map_err(|error| Poison::because(&error))
}

/// As [`described`], without what lets somebody in.
pub(crate) fn redacted<T>(record: &Record) -> Result<serde_json::Value, Poison>
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    let mut value = described::<T>(record)?;
    redact(&mut value);
    Ok(value)
}

/// Takes out what no row holds either and no terminal needs to show.
fn redact(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, field) in fields {
                if ["hash", "proof"].contains(&name.as_str()) && !field.is_null() {
                    *field = "[redacted]".into();
                } else {
                    redact(field);
                }
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}
