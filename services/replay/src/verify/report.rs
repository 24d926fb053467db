//! What has been found, and how much was looked at.

use std::borrow::Cow;
use std::io::Write;

use schemas::Sequence;
use serde::{Deserialize, Serialize};

use crate::ReplayError;
use crate::answer::Form;
use crate::decide::{Again, Decided};
use crate::skipped::Skipped;

/// Something that should not be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The stream in which it stands.
    pub stream: String,
    /// The message at which it shows; 0 when it is the lack of one.
    pub sequence: Sequence,
    /// The area, or domain and key.
    pub place: Option<String>,
    /// Which check: `chain`, `hash`, `outcome`, `effect`, `place`, `entry`, …
    pub check: Cow<'static, str>,
    /// In words.
    pub message: String,
}

/// The result of a verification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Areas folded.
    pub areas: u64,
    /// Frames folded.
    pub frames: u64,
    /// Entries of keyed aggregates read.
    pub entries: u64,
    /// Commands that found their outcome.
    pub commands: u64,
    /// Frames whose commands retention has taken, so that their outcomes could not be matched.
    pub frames_unmatched: u64,
    /// Effects applied.
    pub effects: u64,
    /// Characters there are.
    pub characters: u64,
    /// Commands that no frame has consumed yet.
    pub commands_waiting: u64,
    /// Effects that are not confirmed yet.
    pub effects_pending: u64,
    /// Characters that have left one place and not reached the next.
    pub characters_travelling: u64,
    /// Characters that were lost and have been taken back: each an operator has to account for.
    pub characters_reclaimed: u64,
    /// Messages of an archive alone that are not verified: it ends before what caused them.
    #[serde(default, skip_serializing_if = "is_none")]
    pub beyond_archive: u64,
    /// What was decided again, with `--decide`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Decided>,
    /// What could not be read and was left out, under `--tolerant`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// What should not be; empty: clean.
    pub findings: Vec<Finding>,
}

/// Whether there are none.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde lends the field")]
const fn is_none(count: &u64) -> bool {
    *count == 0
}

impl Report {
    pub(crate) fn find(
        &mut self,
        check: &'static str,
        stream: &str,
        sequence: Sequence,
        place: Option<&str>,
        message: impl Into<String>,
    ) {
        self.findings.push(Finding {
            stream: stream.to_owned(),
            sequence,
            place: place.map(str::to_owned),
            check: check.into(),
            message: message.into(),
        });
    }

    /// Takes in what was decided again, in that time.
    pub(crate) fn decide(&mut self, again: Again, took: std::time::Duration) {
        let (decided, more) = again.close();
        for (area, message) in more {
            let place = Some(area.as_str());
            self.find(
                "decide",
                schemas::subjects::AREA_EVENTS,
                Sequence(0),
                place,
                message,
            );
        }
        eprintln!("{}", decided.speed(took));
        self.decided = Some(decided);
    }

    /// Makes findings of what only waits: nobody writes to this log any more.
    pub(crate) fn settle(&mut self) {
        for (count, stream, what) in [
            (
                self.commands_waiting,
                "AREA_COMMANDS",
                "commands have no outcome",
            ),
            (
                self.effects_pending,
                "AREA_EVENTS",
                "effects are not confirmed",
            ),
            (
                self.characters_travelling,
                "AREA_EVENTS",
                "characters are between two places",
            ),
        ] {
            if count > 0 {
                let message = format!("{count} {what}, although nobody writes any more");
                self.find("settled", stream, Sequence(0), None, message);
            }
        }
    }

    pub(crate) fn write(&self, form: Form, out: &mut dyn Write) -> Result<(), ReplayError> {
        match form {
            Form::Text => self.text(out),
            Form::Json => self.json(out, true),
            Form::Ndjson => {
                for finding in &self.findings {
                    writeln!(out, "{}", serde_json::json!(finding))?;
                }
                self.json(out, false)
            }
        }
    }

    fn json(&self, out: &mut dyn Write, whole: bool) -> Result<(), ReplayError> {
        let mut report = serde_json::json!(self);
        report["clean"] = self.findings.is_empty().into();
        if !whole && let Some(fields) = report.as_object_mut() {
            // They have had a line each.
            fields.remove("findings");
        }
        writeln!(out, "{report}")?;
        Ok(())
    }

    fn text(&self, out: &mut dyn Write) -> Result<(), ReplayError> {
        for finding in &self.findings {
            let Finding {
                stream,
                sequence,
                place,
                check,
                message,
            } = finding;
            let place = place.as_deref().unwrap_or("-");
            writeln!(
                out,
                "FOUND {check:<9} {stream}:{sequence} {place}: {message}"
            )?;
        }
        writeln!(
            out,
            "{} frames of {} areas, {} entries, {} commands, {} effects, {} characters",
            self.frames, self.areas, self.entries, self.commands, self.effects, self.characters
        )?;
        writeln!(
            out,
            "waiting: {} commands, {} effects, {} characters on their way; {} frames whose commands are no longer there",
            self.commands_waiting,
            self.effects_pending,
            self.characters_travelling,
            self.frames_unmatched
        )?;
        if self.beyond_archive > 0 {
            writeln!(
                out,
                "not verified: {} messages; the archive ends before what caused them",
                self.beyond_archive
            )?;
        }
        if self.characters_reclaimed > 0 {
            writeln!(
                out,
                "lost and taken back into the lobby: {} characters; `replay explain --player` tells of each (reclaimed.1)",
                self.characters_reclaimed
            )?;
        }
        if let Some(decided) = &self.decided {
            decided.write(out)?;
        }
        for Skipped {
            stream,
            from,
            to,
            why,
            ..
        } in &self.skipped
        {
            writeln!(out, "left out: {stream}:{from}-{to}: {why}")?;
        }
        match self.findings.len() {
            0 => writeln!(out, "clean")?,
            count => writeln!(out, "{count} findings")?,
        }
        Ok(())
    }
}
