//! What an operator may turn: `[facts]`.

use std::collections::BTreeSet;

use runtime::{Section, Span, Wrong};
use serde::Deserialize;

/// What is told in `FACTS`, and how fast.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether this process writes `FACTS`. Default true; `WORLDLINE_FACTS_ENABLED`.
    pub enabled: bool,
    /// Kinds of events that are not told. Default `["accepted"]`, of which there is one for every key press and which
    /// say nothing else; `WORLDLINE_FACTS_LEAVE_OUT`.
    pub leave_out: Vec<String>,
    /// How old the events are with which a new `FACTS` begins. Default `30d`; `WORLDLINE_FACTS_SINCE`.
    pub since: Span,
    /// How often what has happened is told: in one batch, which costs the broker's disk about as much as a few frames.
    /// Default `250ms`; `WORLDLINE_FACTS_EVERY`.
    pub every: Span,
    /// At most so many messages a second, so that catching up disturbs nobody. Default 4000;
    /// `WORLDLINE_FACTS_MAX_RATE`.
    pub max_rate: u32,
    /// How often the memory is saved. Default `30s`; `WORLDLINE_FACTS_SAVE_EVERY`.
    pub save_every: Span,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: true,
            leave_out: vec!["accepted".to_owned()],
            since: Span::from_secs(30 * 86_400),
            every: Span::from_millis(250),
            max_rate: 4000,
            save_every: Span::from_secs(30),
        }
    }
}

impl Config {
    /// The kinds that are not told.
    pub(super) fn left_out(&self) -> BTreeSet<String> {
        self.leave_out.iter().cloned().collect()
    }
}

impl Section for Config {
    const NAME: &'static str = "facts";

    fn check(&self) -> Result<(), Wrong> {
        if self.max_rate == 0 {
            return Err(Wrong::new("max_rate", "expected at least 1"));
        }
        let kind = |kind: &String| {
            let mut letters = kind.chars();
            !kind.is_empty() && letters.all(|c| c.is_ascii_lowercase() || c == '_')
        };
        if !self.leave_out.iter().all(kind) {
            return Err(Wrong::new(
                "leave_out",
                "expected kinds of events without versions, such as `accepted`",
            ));
        }
        Ok(())
    }
}
