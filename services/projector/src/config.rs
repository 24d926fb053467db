//! What an operator may turn: `[projector]`.

use std::time::Duration;

use runtime::{Secret, Section, Span, Wrong};
use serde::Deserialize;

const IDLE: Duration = Duration::from_secs(2);
const SHORTEST_PATIENCE: Span = Span::from_secs(5);

/// Where the rows go, and in how large bites.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address of the database with user and password: `postgres://user:password@host:5432/name`.
    /// Must be given; `WORLDLINE_PROJECTOR_POSTGRES`.
    pub postgres: Secret,
    /// The schema that holds the tables. Default `public`; `WORLDLINE_PROJECTOR_SCHEMA`.
    #[serde(default = "public")]
    pub schema: String,
    /// At most so many events in one transaction. Default 5000; `WORLDLINE_PROJECTOR_BATCH`.
    #[serde(default = "batch")]
    pub batch: usize,
    /// How long a transaction waits for more events once it has one. It bounds
    /// how often a row that changes all the time is written. Default `500ms`;
    /// `WORLDLINE_PROJECTOR_LINGER`.
    #[serde(default = "linger")]
    pub linger: Span,
    /// After so many frames of an area its folded state is saved, for a quicker start. Default
    /// 2000; `WORLDLINE_PROJECTOR_SAVE_EVERY`.
    #[serde(default = "save_every")]
    pub save_every: u64,
    /// A projection that gives no sign of life for so long is stuck: it begins anew, with new connections. A
    /// transaction that hangs in the database is ended by it after the same time. Default `30s`;
    /// `WORLDLINE_PROJECTOR_STUCK_AFTER`.
    #[serde(default = "stuck_after")]
    pub stuck_after: Span,
}

fn public() -> String {
    "public".into()
}

const fn batch() -> usize {
    5000
}

fn linger() -> Span {
    Span::from_millis(500)
}

const fn save_every() -> u64 {
    2000
}

const fn stuck_after() -> Span {
    Span::from_secs(30)
}

impl Config {
    /// All defaults, for this database.
    #[must_use]
    pub fn new(postgres: impl Into<String>) -> Self {
        Self {
            postgres: Secret::new(postgres.into()),
            schema: public(),
            batch: batch(),
            linger: linger(),
            save_every: save_every(),
            stuck_after: stuck_after(),
        }
    }

    /// How long to wait for an event before looking whether the rows are still ours.
    pub(crate) fn idle(&self) -> Duration {
        IDLE.min(self.stuck_after.duration() / 3)
    }

    /// The schema of the views for analysts, beside that of the tables.
    #[must_use]
    pub fn analytics(&self) -> String {
        analytics(&self.schema)
    }

    /// The same for another schema of the same database.
    #[must_use]
    pub fn with_schema(&self, schema: impl Into<String>) -> Self {
        Self {
            schema: schema.into(),
            ..self.clone()
        }
    }
}

/// The schema of the views for analysts that stands beside `schema`; migration 0011 knows the same rule.
pub(crate) fn analytics(schema: &str) -> String {
    match schema {
        "public" => "analytics".into(),
        other => format!("{other}_analytics"),
    }
}

impl Section for Config {
    const NAME: &'static str = "projector";

    fn check(&self) -> Result<(), Wrong> {
        if !self.postgres.expose().starts_with("postgres") {
            return Err(Wrong::new(
                "postgres",
                "expected an address such as `postgres://user:password@127.0.0.1:5432/worldline`",
            ));
        }
        // It stands in SQL where no parameter can.
        let name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !(1..=40).contains(&self.schema.len())
            || !self.schema.chars().all(name)
            || self.schema.starts_with(|c: char| c.is_ascii_digit())
        {
            return Err(Wrong::new(
                "schema",
                "expected 1 to 40 of a-z, 0-9 and _, not starting with a digit",
            ));
        }
        if self.batch == 0 || self.save_every == 0 {
            let key = if self.batch == 0 {
                "batch"
            } else {
                "save_every"
            };
            return Err(Wrong::new(key, "expected at least 1"));
        }
        if self.stuck_after < SHORTEST_PATIENCE {
            return Err(Wrong::new(
                "stuck_after",
                "expected at least `5s`, more than a busy database takes for an answer",
            ));
        }
        Ok(())
    }
}
