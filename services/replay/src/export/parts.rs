//! The parts that are being written: one for each day and area that has come up since the last commit.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use past::event::{Event, People, RowTexts};
use schemas::{AreaId, UnixMillis};

use super::Format;
use super::folder::{UNFINISHED, at};
use super::manifest::{Part, Place};
use super::writer::Writer;
use crate::ReplayError;
use crate::moment::Time;

/// A commit is due after so many rows…
const MOST_ROWS: u64 = 4_000_000;
/// …or when so many files are open.
const MOST_FILES: usize = 200;
/// A part with so many bytes of rows in memory writes them down…
const ROW_GROUP_BYTES: usize = 8 << 20;
/// …and the largest one does when all of them together hold this much.
const MOST_BYTES: usize = 96 << 20;
/// Milliseconds of a day.
const DAY: u64 = 86_400_000;
/// How Hive, Spark, `DuckDB` and Arrow write a partition of null.
const NO_AREA: &str = "__HIVE_DEFAULT_PARTITION__";

/// A day (since 1970) and an area.
type Partition = (u64, Option<Arc<AreaId>>);

/// The parts of one stream that are being written.
pub(super) struct Parts {
    root: PathBuf,
    stream: String,
    format: Format,
    open: HashMap<Partition, Open>,
    rows: u64,
    bytes: usize,
    texts: RowTexts,
}

struct Open {
    writer: Writer,
    unfinished: PathBuf,
    part: Part,
}

impl Parts {
    pub(super) fn new(root: &Path, format: Format, stream: &str) -> Self {
        Self {
            root: root.to_owned(),
            stream: stream.to_owned(),
            format,
            open: HashMap::new(),
            rows: 0,
            bytes: 0,
            texts: RowTexts::default(),
        }
    }

    /// Whether it is time for a commit.
    pub(super) fn are_full(&self) -> bool {
        self.rows >= MOST_ROWS || self.open.len() >= MOST_FILES
    }

    /// One more row.
    pub(super) fn push(
        &mut self,
        event: &Event,
        people: &mut dyn People,
    ) -> Result<(), ReplayError> {
        self.texts.render(event, people);
        let partition = (event.created_at.0 / DAY, event.area.clone());
        let open = match self.open.get_mut(&partition) {
            Some(open) => open,
            None => {
                let new = begin(&self.root, &self.stream, self.format, event)?;
                self.open.entry(partition).or_insert(new)
            }
        };
        let before = open.writer.buffered();
        at(&open.unfinished, open.writer.push(event, &self.texts))?;
        open.note(event);
        self.rows += 1;
        if open.writer.buffered() >= ROW_GROUP_BYTES {
            at(&open.unfinished, open.writer.flush())?;
        }
        self.bytes = (self.bytes + open.writer.buffered()).saturating_sub(before);
        if self.bytes >= MOST_BYTES {
            self.relieve()?;
        }
        Ok(())
    }

    /// Writes down what takes most room.
    fn relieve(&mut self) -> Result<(), ReplayError> {
        let largest = self
            .open
            .values_mut()
            .max_by_key(|open| open.writer.buffered());
        if let Some(open) = largest {
            at(&open.unfinished, open.writer.flush())?;
        }
        self.bytes = self.open.values().map(|open| open.writer.buffered()).sum();
        Ok(())
    }

    /// Finishes all of them: they are whole and on the disk, and still to be given their names.
    pub(super) fn finish(&mut self) -> Result<Vec<Part>, ReplayError> {
        let mut parts = Vec::new();
        for (_, open) in self.open.drain() {
            let digest = at(&open.unfinished, open.writer.finish())?;
            parts.push(Part {
                bytes: digest.bytes,
                sha256: digest.sha256,
                ..open.part
            });
        }
        (self.rows, self.bytes) = (0, 0);
        parts.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(parts)
    }
}

impl Open {
    fn note(&mut self, event: &Event) {
        let part = &mut self.part;
        part.rows += 1;
        part.last = place(event);
        part.earliest = part.earliest.min(event.created_at);
        part.latest = part.latest.max(event.created_at);
    }
}

const fn place(event: &Event) -> Place {
    Place {
        log_position: event.log_position,
        event_index: event.event_index,
    }
}

/// Begins the part whose first row is `event`.
fn begin(root: &Path, stream: &str, format: Format, event: &Event) -> Result<Open, ReplayError> {
    let day = day(event.created_at);
    let area = event.area.as_ref().map_or(NO_AREA, |area| area.as_str());
    // No two parts of a partition begin with the same message: a commit never cuts one in two.
    let path = format!(
        "stream={stream}/day={day}/area={area}/part-{:012}.{}",
        event.log_position.0,
        format.extension()
    );
    let unfinished = root.join(format!("{path}{UNFINISHED}"));
    if let Some(directory) = unfinished.parent() {
        at(directory, fs::create_dir_all(directory))?;
    }
    let part = Part {
        path,
        rows: 0,
        bytes: 0,
        sha256: String::new(),
        first: place(event),
        last: place(event),
        earliest: event.created_at,
        latest: event.created_at,
    };
    Ok(Open {
        writer: at(&unfinished, Writer::create(format, &unfinished))?,
        unfinished,
        part,
    })
}

/// The day of a time: `2026-01-31`.
fn day(at: UnixMillis) -> String {
    let mut text = Time(at).to_string();
    text.truncate(10);
    text
}
