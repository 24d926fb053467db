//! An event as a row: its identity, its columns, and its texts.

use std::fmt;
use std::io::Write as _;
use std::sync::Arc;

use schemas::Sequence;

use super::json::{Writer, escaped};
use super::people::{AsRecorded, People, PersonalId};
use super::{Event, Metadata};

/// What an event is, among all there are: it reads `AREA_EVENTS:4711:0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity<'a> {
    /// The stream that holds its message.
    pub stream: &'a str,
    /// Its message's place there.
    pub log_position: Sequence,
    /// Its place within that message.
    pub event_index: u32,
}

impl fmt::Display for Identity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stream,
            log_position,
            event_index,
        } = self;
        write!(f, "{stream}:{log_position}:{event_index}")
    }
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// 64-bit integer.
    Int64,
    /// 32-bit integer.
    Int32,
    /// Text, UTF-8.
    Text,
    /// Milliseconds since 1970-01-01 UTC: a timestamp in Parquet, an integer in NDJSON and CSV.
    Timestamp,
    /// JSON: text in Parquet and CSV, an object in NDJSON.
    Json,
}

/// A column of a row of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name, which never changes.
    pub name: &'static str,
    /// What it holds.
    pub holds: ColumnType,
    /// Whether it may be null.
    pub nullable: bool,
    /// What it says.
    pub about: &'static str,
}

const fn column(
    name: &'static str,
    holds: ColumnType,
    nullable: bool,
    about: &'static str,
) -> Column {
    Column {
        name,
        holds,
        nullable,
        about,
    }
}

impl Event {
    /// The columns of a row, in their order.
    pub const COLUMNS: [Column; 12] = [
        column(
            "log_position",
            ColumnType::Int64,
            false,
            "Place of the event's message in its stream. (stream, log_position, event_index) is the event's identity.",
        ),
        column(
            "event_index",
            ColumnType::Int32,
            false,
            "Place of the event within its message, from 0.",
        ),
        column(
            "stream",
            ColumnType::Text,
            false,
            "The stream that holds the message.",
        ),
        column(
            "event_type",
            ColumnType::Text,
            false,
            "What kind of event; `unknown`: a newer build wrote it.",
        ),
        column(
            "schema_version",
            ColumnType::Int32,
            false,
            "Version of the shape that `data` has; 0 for `unknown`.",
        ),
        column(
            "created_at",
            ColumnType::Timestamp,
            false,
            "When it was decided (UTC), by the clock of who decided it; never going back within an area or a key.",
        ),
        column(
            "area",
            ColumnType::Text,
            true,
            "The area in which, or about which, it happened.",
        ),
        column(
            "tick",
            ColumnType::Int64,
            true,
            "The area's tick of 40 ms; events of areas only.",
        ),
        column(
            "player",
            ColumnType::Text,
            true,
            "The character that it is about; a pseudonym unless real ids were asked for.",
        ),
        column(
            "account",
            ColumnType::Text,
            true,
            "The account that it is about, where that is known; a pseudonym unless real ids were asked for.",
        ),
        column(
            "data",
            ColumnType::Json,
            false,
            "The event's own fields, see below.",
        ),
        column(
            "metadata",
            ColumnType::Json,
            false,
            "Where it comes from, see below.",
        ),
    ];

    /// What it is, among all there are.
    #[must_use]
    pub fn identity(&self) -> Identity<'_> {
        Identity {
            stream: &self.stream,
            log_position: self.log_position,
            event_index: self.event_index,
        }
    }

    /// The whole row as one JSON object, ids as they stand in the log: the payload of its message on `FACTS`.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut texts = RowTexts::default();
        texts.render(self, &mut AsRecorded);
        let mut out = Vec::with_capacity(512);
        texts.write_json(self, &mut out);
        out
    }
}

impl Metadata {
    /// Appends it to `out` as JSON, ids of people as `people` writes them.
    pub fn write_json(&self, people: &mut dyn People, out: &mut Vec<u8>) {
        Writer::new(out, people).write(self);
    }
}

/// A row's texts; used for one row after the other, so that their space is.
#[derive(Debug, Default)]
pub struct RowTexts {
    /// The column `data`.
    pub data: Vec<u8>,
    /// The column `metadata`.
    pub metadata: Vec<u8>,
    /// The column `player`; empty: null.
    pub player: Vec<u8>,
    /// The column `account`; empty: null.
    pub account: Vec<u8>,
    /// Whose `metadata` it is: events of one message share theirs.
    of: Option<Arc<Metadata>>,
    id: Vec<u8>,
}

impl RowTexts {
    /// Writes the texts of `event`, ids of people as `people` writes them: always the same `people`.
    pub fn render(&mut self, event: &Event, people: &mut dyn People) {
        self.data.clear();
        event.data.write_json(people, &mut self.data);
        if !self
            .of
            .as_ref()
            .is_some_and(|of| Arc::ptr_eq(of, &event.metadata))
        {
            self.metadata.clear();
            event.metadata.write_json(people, &mut self.metadata);
            self.of = Some(Arc::clone(&event.metadata));
        }
        self.player.clear();
        if let Some(player) = event.player {
            let id = text_of(&mut self.id, player);
            people.write(PersonalId::Character, id, &mut self.player);
        }
        self.account.clear();
        if let Some(account) = event.account {
            let id = text_of(&mut self.id, account);
            people.write(PersonalId::Account, id, &mut self.account);
        }
    }

    /// Appends the row to `out` as one JSON object with the keys of [`Event::COLUMNS`]; no line end. `event` is the
    /// one whose texts these are.
    pub fn write_json(&self, event: &Event, out: &mut Vec<u8>) {
        let (position, index, stream) = (event.log_position, event.event_index, &event.stream);
        let (kind, version, at) = (event.event_type, event.schema_version, event.created_at);
        // A vector takes whatever is written to it; names of streams and types need no escaping.
        let head = write!(
            out,
            r#"{{"log_position":{position},"event_index":{index},"stream":"{stream}","event_type":"{kind}","schema_version":{version},"created_at":{at},"area":"#,
        );
        debug_assert!(head.is_ok());
        let area = event.area.as_ref().map_or("", |area| area.as_str());
        nullable(area.as_bytes(), out);
        let tick = match event.tick {
            Some(tick) => write!(out, ",\"tick\":{tick}"),
            None => write!(out, ",\"tick\":null"),
        };
        debug_assert!(tick.is_ok());
        out.extend_from_slice(b",\"player\":");
        nullable(&self.player, out);
        out.extend_from_slice(b",\"account\":");
        nullable(&self.account, out);
        out.extend_from_slice(b",\"data\":");
        out.extend_from_slice(&self.data);
        out.extend_from_slice(b",\"metadata\":");
        out.extend_from_slice(&self.metadata);
        out.push(b'}');
    }
}

/// The id as text, in `space`.
fn text_of(space: &mut Vec<u8>, id: impl fmt::Display) -> &str {
    space.clear();
    let written = write!(space, "{id}");
    debug_assert!(written.is_ok());
    std::str::from_utf8(space).unwrap_or_default()
}

fn nullable(text: &[u8], out: &mut Vec<u8>) {
    if text.is_empty() {
        out.extend_from_slice(b"null");
        return;
    }
    out.push(b'"');
    escaped(std::str::from_utf8(text).unwrap_or_default(), out);
    out.push(b'"');
}
