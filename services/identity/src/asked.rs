//! A command in memory: as it stands in the log, with what was found out for deciding it.

use serde::{Deserialize, Deserializer};

/// A command `C` and the evidence `E` that preparing it has brought. Evidence is never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked<C, E> {
    /// As it stands in the log.
    pub command: C,
    /// What was found out; `None` where nothing had to be.
    pub evidence: Option<E>,
}

impl<C, E> Asked<C, E> {
    /// With this evidence.
    #[must_use]
    pub const fn with(command: C, evidence: E) -> Self {
        Self {
            command,
            evidence: Some(evidence),
        }
    }
}

impl<C, E> From<C> for Asked<C, E> {
    fn from(command: C) -> Self {
        Self {
            command,
            evidence: None,
        }
    }
}

impl<'de, C: Deserialize<'de>, E> Deserialize<'de> for Asked<C, E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        C::deserialize(deserializer).map(Self::from)
    }
}
