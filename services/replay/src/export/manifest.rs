//! What an export is and how far it has come: `_manifest.json`.

use std::collections::BTreeMap;

use past::event::{ColumnType, Event};
use schemas::{Incarnation, Sequence, UnixMillis};
use serde::{Deserialize, Serialize};

use super::selection::Selection;

/// The version of the manifest that this build writes.
pub(super) const VERSION: u32 = 1;

/// What an export is and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// [`VERSION`].
    pub(super) version: u32,
    /// What was asked for.
    pub(super) selection: Selection,
    /// What the rows are.
    pub(super) columns: Vec<ColumnSaid>,
    /// How far it has come in each stream.
    pub(super) streams: BTreeMap<String, Reached>,
    /// Rows in all files.
    pub(super) rows: u64,
    /// What was damaged and is left out.
    pub(super) skipped: Vec<Skip>,
    /// All parts.
    pub(super) files: Vec<Part>,
    /// Of those, from which one on they are of the last commit: they may still have to be given their names.
    pub(super) newest: usize,
}

/// A column, as the manifest tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ColumnSaid {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) holds: String,
    pub(super) nullable: bool,
}

/// How far an export has come in a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reached {
    /// The stream's life.
    pub(super) incarnation: Incarnation,
    /// The first message that was there.
    pub(super) from: Sequence,
    /// The last message whose events are in the export.
    pub(super) to: Sequence,
    /// Rows of it.
    pub(super) rows: u64,
    /// Where what was known of the areas behind that message is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) state: Option<String>,
}

/// A part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// Its name, from the export's directory.
    pub(super) path: String,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// Of its bytes.
    pub(super) sha256: String,
    /// Its first event.
    pub(super) first: Place,
    /// Its last event.
    pub(super) last: Place,
    /// When the earliest of them was decided.
    pub(super) earliest: UnixMillis,
    /// When the latest was.
    pub(super) latest: UnixMillis,
}

/// An event's place in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) log_position: Sequence,
    pub(super) event_index: u32,
}

/// A range that is left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Skip {
    pub(super) stream: String,
    pub(super) from: Sequence,
    pub(super) to: Sequence,
    pub(super) why: String,
}

impl Manifest {
    /// Of an export that holds nothing yet.
    pub(super) fn new(selection: Selection) -> Self {
        Self {
            version: VERSION,
            selection,
            columns: columns(),
            streams: BTreeMap::new(),
            rows: 0,
            skipped: Vec::new(),
            files: Vec::new(),
            newest: 0,
        }
    }
}

/// The columns of this build.
pub(super) fn columns() -> Vec<ColumnSaid> {
    Event::COLUMNS
        .iter()
        .map(|column| ColumnSaid {
            name: column.name.to_owned(),
            holds: match column.holds {
                ColumnType::Int64 => "int64",
                ColumnType::Int32 => "int32",
                ColumnType::Text => "text",
                ColumnType::Timestamp => "timestamp_ms",
                ColumnType::Json => "json",
            }
            .to_owned(),
            nullable: column.nullable,
        })
        .collect()
}
