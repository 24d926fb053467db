//! What must be true whatever was done, asked of the players, the log and the rows.
//!
//! The checkers here share no code with what they check, beyond the messages' types and, where bodies move, the one
//! `fold` of the world: they keep their own books. `worldline replay verify` and `projector check` are asked too: two
//! witnesses who have not talked to each other.

mod players;

use std::fmt;

use super::actor::Told;
pub(crate) use super::catalogue::Sockets;
use crate::Stack;
use crate::checks;

pub(crate) use players::of_players;

/// Something that should not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which checker found it.
    pub check: &'static str,
    /// In words.
    pub message: String,
}

impl Finding {
    /// What `check` found.
    pub fn new(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<9} {}", self.check, self.message)
    }
}

/// Reads everything that a stack has written, when everybody has left; returns what was looked at.
pub async fn of_log_and_rows(stack: &Stack, _told: &[Told], findings: &mut Vec<Finding>) -> String {
    if let Err(error) = checks::log_is_whole(stack).await {
        findings.push(Finding::new("replay", format!("{error:#}")));
    }
    if let Err(error) = checks::rows_are_what_the_log_says(stack).await {
        findings.push(Finding::new("rows", format!("{error:#}")));
    }
    String::new()
}
