//! What an export holds: the same for as long as it goes on.

use schemas::subjects::{AREA_EVENTS, Domain, area_events};
use schemas::{AreaId, UnixMillis};
use serde::{Deserialize, Serialize};

use super::{ExportArgs, Format};
use crate::ReplayError;
use past::event::Event;

/// What an export holds. Whoever goes on with it must want the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Selection {
    /// What the files are.
    pub(super) format: Format,
    /// `real`, or which key the pseudonyms are made with.
    pub(super) ids: String,
    /// Which streams, in the order in which they are exported.
    pub(super) streams: Vec<String>,
    /// Which areas; empty: all, and what is of no area.
    pub(super) areas: Vec<AreaId>,
    /// Decided then or later.
    pub(super) from: Option<UnixMillis>,
    /// Decided before then.
    pub(super) to: Option<UnixMillis>,
}

/// Every event stream, the areas' first.
fn all() -> impl Iterator<Item = &'static str> {
    std::iter::once(AREA_EVENTS).chain(Domain::ALL.into_iter().map(Domain::event_stream))
}

impl Selection {
    pub(super) fn new(args: &ExportArgs, ids: String) -> Result<Self, ReplayError> {
        if let Some(wrong) = args.stream.iter().find(|name| !all().any(|s| s == *name)) {
            let known: Vec<&str> = all().collect();
            return Err(ReplayError::Usage(format!(
                "{wrong:?} is no stream of events; there are {}",
                known.join(", ")
            )));
        }
        if let (Some(from), Some(to)) = (args.from, args.to)
            && from >= to
        {
            return Err(ReplayError::Usage(
                "there is nothing between --from and --to: --to is not later".to_owned(),
            ));
        }
        let wanted =
            |stream: &&str| args.stream.is_empty() || args.stream.iter().any(|s| s == stream);
        let mut areas = args.area.clone();
        areas.sort();
        areas.dedup();
        Ok(Self {
            format: args.format,
            ids,
            streams: all().filter(wanted).map(str::to_owned).collect(),
            areas,
            from: args.from,
            to: args.to,
        })
    }

    /// The subjects that have to be read of a stream; empty: all.
    pub(super) fn subjects(&self, stream: &str) -> Vec<String> {
        if stream == AREA_EVENTS {
            self.areas.iter().map(area_events).collect()
        } else {
            Vec::new()
        }
    }

    /// Whether a row of it is part of the export.
    pub(super) fn wants(&self, event: &Event) -> bool {
        self.from.is_none_or(|from| event.created_at >= from)
            && self.to.is_none_or(|to| event.created_at < to)
            && (self.areas.is_empty()
                || event
                    .area
                    .as_deref()
                    .is_some_and(|area| self.areas.binary_search(area).is_ok()))
    }

    /// In what it differs from another, in words.
    pub(super) fn difference(&self, other: &Self) -> Option<&'static str> {
        [
            (self.format == other.format, "another --format"),
            (
                self.ids == other.ids,
                "other ids of people (--real-ids, or another key of pseudonyms)",
            ),
            (self.streams == other.streams, "other streams (--stream)"),
            (self.areas == other.areas, "other areas (--area)"),
            (
                (self.from, self.to) == (other.from, other.to),
                "other times (--from, --to)",
            ),
        ]
        .into_iter()
        .find_map(|(same, what)| (!same).then_some(what))
    }
}
