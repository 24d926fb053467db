//! What a projection is: a fold of one stream into some tables.

use std::future::Future;

use eventlog::{EventLog, Record};
use sqlx::PgConnection;

use crate::error::ProjectError;

/// Why an event cannot be applied; its key is parked and the others go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Poison(pub(crate) String);

impl Poison {
    /// An error with all its causes in one line.
    pub(crate) fn because(error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            text = format!("{text}: {next}");
            cause = next.source();
        }
        Self(text)
    }
}

/// Folds one stream into some tables.
///
/// What [`Projection::fold`] gathers for a key must depend on that key's events alone, never on
/// where a batch begins or ends.
pub(crate) trait Projection: Send {
    /// Its row in `checkpoints`.
    const NAME: &'static str;
    /// The stream it folds.
    const STREAM: &'static str;

    /// Forgets everything and stands where the tables stand.
    fn load(
        &mut self,
        db: &mut PgConnection,
        log: &EventLog,
    ) -> impl Future<Output = Result<(), ProjectError>> + Send;

    /// Takes one event in.
    fn fold(&mut self, record: &Record) -> Result<(), Poison>;

    /// Writes what has been folded since the last time; in the transaction of the checkpoint.
    fn write(
        &mut self,
        db: &mut PgConnection,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}
