//! What stands in the log, as lines for people and for programs.

mod area;
mod command;
mod keyed;

use std::io::Write;

use schemas::{CharacterId, Sequence, Tick, UnixMillis};
use serde_json::{Value, json};

pub(crate) use area::{Scene, about, effect, fact, frame_clock, motion};
pub(crate) use command::command;
pub(crate) use keyed::{At, keyed_command, keyed_event};

use crate::ReplayError;
use crate::answer::Form;
use crate::moment::Time;

/// One thing that was asked or that happened.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// `command` or `event`.
    pub(crate) class: &'static str,
    /// `input`, `spoken.1`, `motion`, …
    pub(crate) kind: String,
    /// The area, or domain and key.
    pub(crate) place: String,
    /// Where it stands.
    pub(crate) stream: &'static str,
    /// Its message there.
    pub(crate) sequence: Sequence,
    /// The tick that decided it, in an area.
    pub(crate) tick: Option<Tick>,
    /// When it was decided.
    pub(crate) at: UnixMillis,
    /// Whom it is about.
    pub(crate) characters: Vec<CharacterId>,
    /// In words.
    pub(crate) text: String,
    /// All of it.
    pub(crate) detail: Value,
    /// Of a command.
    pub(crate) outcome: Option<String>,
}

impl Line {
    /// Whether `wanted` names its kind, with or without the version.
    pub(crate) fn is_of_kind(&self, wanted: &str) -> bool {
        let bare = |name: &str| name.split('.').next().unwrap_or(name).to_owned();
        self.kind == wanted || bare(&self.kind) == wanted || self.class == wanted
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "class": self.class, "type": self.kind, "place": self.place, "stream": self.stream,
            "sequence": self.sequence, "tick": self.tick, "at": Time(self.at).to_string(),
            "characters": self.characters, "detail": self.detail, "outcome": self.outcome,
        })
    }

    pub(crate) fn write(&self, form: Form, out: &mut dyn Write) -> Result<(), ReplayError> {
        if form != Form::Text {
            writeln!(out, "{}", self.json())?;
            return Ok(());
        }
        let tick = self
            .tick
            .map_or_else(String::new, |tick| format!(" t{tick}"));
        let sign = if self.class == "command" { '>' } else { ' ' };
        write!(
            out,
            "{} {}{tick} {sign} {:<16} {}",
            Time(self.at),
            self.place,
            self.kind,
            self.text
        )?;
        match &self.outcome {
            Some(outcome) => writeln!(out, " -> {outcome}")?,
            None => writeln!(out)?,
        }
        Ok(())
    }
}
