//! Going on over damage: what was left out, where and why.
//!
//! Without `--tolerant` the first damage ends a subcommand. With it, each is noted here, told on standard error when
//! it is met, and made part of the answer; the exit code then says that the answer is not the whole.

use std::collections::BTreeSet;

use eventlog::Record;
use past::PastError;
use schemas::Sequence;
use serde::{Deserialize, Serialize};

use crate::{ReplayError, exit};

/// A range that could not be read, folded or told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Skipped {
    /// In which stream.
    pub stream: String,
    /// The first message that was left out.
    pub from: Sequence,
    /// The last one.
    pub to: Sequence,
    /// The area, or domain and key, if it is about one only.
    pub place: Option<String>,
    /// Why, in words.
    pub why: String,
}

/// What has been left out so far.
#[derive(Debug, Default)]
pub(crate) struct Skips {
    tolerant: bool,
    list: Vec<Skipped>,
    /// The same, to know again what is read more than once: damage may be in every message.
    known: BTreeSet<Skipped>,
}

impl Skips {
    pub(crate) const fn new(tolerant: bool) -> Self {
        Self {
            tolerant,
            list: Vec::new(),
            known: BTreeSet::new(),
        }
    }

    /// Whether anything may be left out.
    pub(crate) const fn may(&self) -> bool {
        self.tolerant
    }

    /// Whether what could not be read for that reason may be left out.
    pub(crate) const fn may_leave_out(&self, error: &PastError) -> bool {
        self.tolerant && error.skip_to().is_some()
    }

    /// Why something is left out, in words; or ends with it.
    pub(crate) fn why(&self, error: ReplayError) -> Result<String, ReplayError> {
        match error {
            ReplayError::Broken(why) => Ok(why),
            ReplayError::Log(error) if self.may_leave_out(&error) => Ok(error.to_string()),
            error => Err(error),
        }
    }

    /// Takes over what another list has.
    pub(crate) fn absorb(&mut self, other: &mut Self) {
        for skipped in other.list.drain(..) {
            self.note(skipped);
        }
    }

    /// Whether it is new.
    fn note(&mut self, skipped: Skipped) -> bool {
        let new = self.known.insert(skipped.clone());
        if new {
            self.list.push(skipped);
        }
        new
    }

    /// Notes it, or ends with it.
    pub(crate) fn skip(&mut self, skipped: Skipped) -> Result<(), ReplayError> {
        let Skipped {
            stream,
            from,
            to,
            place,
            why,
        } = &skipped;
        let of = place
            .as_deref()
            .map_or_else(String::new, |place| format!(" of {place}"));
        let sentence = format!("{stream}:{from}-{to}{of}: {why}");
        if !self.tolerant {
            return Err(ReplayError::Broken(format!(
                "{sentence}; --tolerant goes on after it"
            )));
        }
        // What is read more than once is told once.
        if self.note(skipped) {
            eprintln!("skipped {sentence}");
        }
        Ok(())
    }

    /// Notes a message of which nothing can be told, or ends with it.
    pub(crate) fn message(
        &mut self,
        record: &Record,
        error: &dyn std::fmt::Display,
    ) -> Result<(), ReplayError> {
        self.skip(Skipped {
            stream: record.stream.clone(),
            from: record.sequence,
            to: record.sequence,
            place: Some(record.subject.clone()),
            why: error.to_string(),
        })
    }

    /// All of them, out of the list.
    pub(crate) fn take(&mut self) -> Vec<Skipped> {
        std::mem::take(&mut self.list)
    }

    /// All of them, in the order in which they were met.
    pub(crate) fn list(&self) -> &[Skipped] {
        &self.list
    }

    /// The exit code: `otherwise`, unless that is clean and something was left out.
    pub(crate) const fn code(&self, otherwise: u8) -> u8 {
        if otherwise == exit::CLEAN && !self.list.is_empty() {
            exit::SKIPPED
        } else {
            otherwise
        }
    }
}
