//! What happened to an item.
//!
//! The rules of this build know no items, and no event names one; so the answer to every question about an item is that
//! there is none. It is found out, not assumed: whatever event or command says `item: X`, whichever build wrote it, is
//! told with its cause, as a character's are. Items have no home from which they could be followed, so the log is looked
//! through; what does not hold the name in any form is not even decoded.

use std::io::Write;

use eventlog::{Follow, Record};
use past::Past;
use schemas::lobby::{Character, LobbyCommand, LobbyEvent};
use schemas::subjects::{AREA_EVENTS, Domain, Subject};
use schemas::{CharacterId, Sequence};
use serde_json::Value;

use super::cause;
use super::chain::Link;
use crate::ReplayError;
use crate::describe::Line;
use crate::history::{self, Stop};
use crate::index::Index;
use crate::progress::Progress;
use crate::readable::Reader;
use crate::reading::{From, Reading};
use crate::skipped::Skips;
use crate::tail::{AreaTail, KeyedTail};

/// The fields that name items.
const FIELDS: [&str; 3] = ["item", "item_id", "items"];

/// An item, in all the forms in which a message may hold its name.
pub(super) struct Item {
    name: String,
    forms: Vec<Vec<u8>>,
}

impl Item {
    pub(super) fn new(name: &str) -> Self {
        let mut forms = vec![name.as_bytes().to_vec()];
        // Ids are numbers in the log and texts for people.
        if let Ok(CharacterId(number)) = name.parse() {
            forms.push(number.to_be_bytes().to_vec());
        }
        Self {
            name: name.to_owned(),
            forms,
        }
    }

    fn may_be_in(&self, record: &Record) -> bool {
        let holds = |form: &Vec<u8>| {
            !form.is_empty()
                && record
                    .payload
                    .windows(form.len())
                    .any(|window| window == form.as_slice())
        };
        self.forms.iter().any(holds)
    }

    /// Whether any field within names it.
    fn is_named(&self, value: &Value) -> bool {
        match value {
            Value::Object(fields) => fields.iter().any(|(field, value)| {
                FIELDS.contains(&field.as_str()) && self.is(value) || self.is_named(value)
            }),
            Value::Array(values) => values.iter().any(|value| self.is_named(value)),
            _ => false,
        }
    }

    fn is(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => *text == self.name,
            Value::Number(number) => number.to_string() == self.name,
            Value::Array(values) => values.iter().any(|value| self.is(value)),
            _ => false,
        }
    }
}

/// What a search has come to.
#[derive(Debug, Default)]
pub(super) struct Search {
    pub(super) links: Vec<Link>,
    /// Messages looked through.
    pub(super) messages: u64,
}

/// Looks through all that areas and lobby have written.
pub(super) async fn search(
    item: &Item,
    past: &Past,
    index: Option<&Index>,
    reader: &Reader,
    skips: &mut Skips,
) -> Result<Search, ReplayError> {
    let mut search = Search::default();
    let streams = [AREA_EVENTS, Domain::Lobby.event_stream()];
    let mut total = 0;
    for stream in streams {
        total += past.span(stream).await?.messages;
    }
    let mut progress = Progress::new("messages looked through", total);
    for stream in streams {
        let from = From::After(Sequence(0));
        let mut records = Reading::open(past, stream, Vec::new(), from, Follow::UntilHead);
        while let Some(record) = records.next(skips).await? {
            progress.step();
            search.messages += 1;
            if item.may_be_in(&record) {
                let lines = lines(&record, past, index, reader, skips).await?;
                search.links.extend(links(item, lines));
            }
        }
    }
    Ok(search)
}

async fn lines(
    record: &Record,
    past: &Past,
    index: Option<&Index>,
    reader: &Reader,
    skips: &mut Skips,
) -> Result<Vec<Line>, ReplayError> {
    match Subject::parse(&record.subject) {
        Subject::AreaEvents(area) => {
            let stop = Stop::Before(record.sequence);
            let before = history::nearest_tolerant(past, index, &area, stop, skips).await?;
            let mut tail = AreaTail::of(past, before.state, skips).await?;
            let seen = tail.see(past, record, skips).await?;
            Ok(seen.map_or_else(Vec::new, |seen| seen.lines(reader)))
        }
        Subject::KeyedEvents(Domain::Lobby, key) => {
            let mut tail: KeyedTail<LobbyCommand, LobbyEvent, Character> =
                KeyedTail::of(past, Domain::Lobby, &key);
            tail.lines(record, reader, skips).await
        }
        _ => Ok(Vec::new()),
    }
}

fn links(item: &Item, lines: Vec<Line>) -> Vec<Link> {
    let (commands, events): (Vec<Line>, Vec<Line>) =
        lines.into_iter().partition(|line| line.class == "command");
    let of_item = |line: &Line| item.is_named(&line.detail);
    let links = events.into_iter().filter(of_item).map(|line| Link {
        cause: cause::of(&line, &commands).cloned(),
        line,
    });
    links.collect()
}

/// Says honestly that there is nothing.
pub(super) fn nothing(item: &Item, search: &Search, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(
        out,
        "{} messages of areas and lobby name no item {}; rules {} know no items",
        search.messages,
        item.name,
        world::RULES_VERSION
    )
}
