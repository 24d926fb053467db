//! What an operator may turn: `[projector]`.

use runtime::{Secret, Section, Span, Wrong};
use serde::Deserialize;

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
        }
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
        Ok(())
    }
}
