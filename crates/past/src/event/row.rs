//! An event as a row: its identity, and the whole of it as one JSON object.

use std::fmt;
use std::io::Write as _;

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
        write!(
            f,
            "{}:{}:{}",
            self.stream, self.log_position, self.event_index
        )
    }
}

impl Metadata {
    /// Appends it to `out` as JSON, ids of people as `people` writes them.
    pub fn write_json(&self, people: &mut dyn People, out: &mut Vec<u8>) {
        Writer::new(out, people).write(self);
    }
}

impl Event {
    /// The columns of a row, in their order.
    pub const COLUMNS: [&'static str; 12] = [
        "log_position",
        "event_index",
        "stream",
        "event_type",
        "schema_version",
        "created_at",
        "area",
        "tick",
        "player",
        "account",
        "data",
        "metadata",
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

    /// Appends the whole row to `out` as one JSON object with the keys of [`Event::COLUMNS`]; ids of people as
    /// `people` writes them. No line end.
    pub fn write_json(&self, people: &mut dyn People, out: &mut Vec<u8>) {
        let (position, index, stream) = (self.log_position, self.event_index, &self.stream);
        // A vector takes whatever is written to it; streams, types and areas need no escaping.
        let head = write!(
            out,
            r#"{{"log_position":{position},"event_index":{index},"stream":"{stream}","event_type":"{}","schema_version":{},"created_at":{},"area":"#,
            self.event_type, self.schema_version, self.created_at,
        );
        debug_assert!(head.is_ok());
        match &self.area {
            Some(area) => quoted(area.as_str(), out),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"tick\":");
        let tick = match self.tick {
            Some(tick) => write!(out, "{tick}"),
            None => write!(out, "null"),
        };
        debug_assert!(tick.is_ok());
        let player = self
            .player
            .map(|id| (PersonalId::Character, id.to_string()));
        let account = self.account.map(|id| (PersonalId::Account, id.to_string()));
        for (column, id) in [("player", player), ("account", account)] {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(column.as_bytes());
            out.extend_from_slice(b"\":");
            match id {
                Some((kind, id)) => {
                    out.push(b'"');
                    people.write(kind, &id, out);
                    out.push(b'"');
                }
                None => out.extend_from_slice(b"null"),
            }
        }
        out.extend_from_slice(b",\"data\":");
        self.data.write_json(people, out);
        out.extend_from_slice(b",\"metadata\":");
        self.metadata.write_json(people, out);
        out.push(b'}');
    }

    /// The whole row as one JSON object, ids as they stand in the log: the payload of its message on `FACTS`.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        self.write_json(&mut AsRecorded, &mut out);
        out
    }
}

fn quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escaped(text, out);
    out.push(b'"');
}
