//! In what form a subcommand answers, and what it does over damage: options that all of them have.

use clap::Args;

/// How to answer.
#[derive(Debug, Clone, Copy, Args, Default, PartialEq, Eq)]
pub struct Answer {
    /// One JSON object instead of text (of what has no end: one a line)
    #[arg(long)]
    pub json: bool,
    /// One JSON object a line
    #[arg(long, conflicts_with = "json")]
    pub ndjson: bool,
    /// Go on over damage, and list what was left out (exit code 2)
    #[arg(long)]
    pub tolerant: bool,
}

/// What the answer is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// For people.
    Text,
    /// One object.
    Json,
    /// One object a line.
    Ndjson,
}

impl Answer {
    /// One JSON object.
    #[must_use]
    pub const fn json() -> Self {
        Self {
            json: true,
            ndjson: false,
            tolerant: false,
        }
    }

    /// One JSON object a line.
    #[must_use]
    pub const fn ndjson() -> Self {
        Self {
            json: false,
            ndjson: true,
            tolerant: false,
        }
    }

    pub(crate) const fn form(self) -> Form {
        match (self.json, self.ndjson) {
            (_, true) => Form::Ndjson,
            (true, false) => Form::Json,
            (false, false) => Form::Text,
        }
    }
}
