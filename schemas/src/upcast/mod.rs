//! Upcasters: what stands in the log in an older version becomes the latest while it is decoded.
//!
//! A log is never rewritten. What changed its meaning or its shape got a new version beside the old
//! one (`departed.1`, `departed.2`); whoever decodes an old one gets the latest, with what the old
//! one did not say left open. So nobody but this directory knows that there ever was another
//! version: folds, projections (their parked events too, which are read from the log again),
//! snapshots' tails, exports and replays all decode through here.
//!
//! One file for each type that has older versions, and one line in [`OLDER`]. An older version stays
//! for as long as any log or archive may hold it, with its golden file.

mod departed;
mod tagged;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::fact::Fact;

/// Every version that is read and no longer written, with what it becomes and why it was changed.
pub const OLDER: &[Older] = &[Older {
    kind: "departed.1",
    latest: "departed.2",
    why: "where somebody went was a map within a map, and neither whose the character was nor where it \
          stood was told: one had to fold the area to know",
}];

/// An older version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Older {
    /// As it stands in old logs.
    pub kind: &'static str,
    /// What it is read as.
    pub latest: &'static str,
    /// Why it was changed.
    pub why: &'static str,
}

/// JSON Schemas of the older versions, by kind: what old logs and archives hold.
#[must_use]
pub fn older_schemas() -> Vec<(&'static str, schemars::Schema)> {
    vec![("departed.1", schemars::schema_for!(departed::Departed1))]
}

impl<'de> Deserialize<'de> for Fact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        tagged::any_version(deserializer)
    }
}

impl Serialize for Fact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize_latest(self, serializer)
    }
}

/// The older versions of facts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum OlderFact {
    Departed1,
}

impl tagged::Versioned for Fact {
    type Older = OlderFact;

    fn older(kind: &str) -> Option<OlderFact> {
        (kind == "departed.1").then_some(OlderFact::Departed1)
    }

    fn upcast<'de, D: Deserializer<'de>>(older: OlderFact, fields: D) -> Result<Self, D::Error> {
        match older {
            OlderFact::Departed1 => departed::Departed1::deserialize(fields).map(Self::from),
        }
    }

    fn latest<'de, D: Deserializer<'de>>(message: D) -> Result<Self, D::Error> {
        Self::deserialize_latest(message)
    }
}
