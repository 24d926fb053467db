//! The lobby's entries: whom it keeps, whom it sends, whom it gets back.

use std::collections::HashMap;

use eventlog::Record;
use schemas::keyed::Outbox;
use schemas::lobby::{Character, LobbyEvent, Place as Kept};
use schemas::subjects::{AggregateId, Domain};
use schemas::{CharacterId, Sequence};
use serde::{Deserialize, Serialize};

use super::Books;
use super::cursor::Waiting;
use super::keyed::{Keys, Read, read};
use super::mail::{Needs, Wrong};
use super::outbox::{Change, change};
use super::places::Place;

const STREAM: &str = Domain::Lobby.event_stream();

/// The next entry.
pub(super) struct Next {
    record: Record,
    read: Read<LobbyEvent, Character>,
    change: Change,
    needs: Needs,
}

impl Waiting for Next {
    fn needs(&self) -> &Needs {
        &self.needs
    }
}

/// All characters' entries.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Lobby {
    keys: Keys,
    /// As of the last entry that was folded.
    outboxes: HashMap<String, Outbox>,
    /// Whom the lobby says that it keeps.
    kept: HashMap<CharacterId, (bool, Sequence)>,
}

impl Lobby {
    /// Takes a message apart; it is folded once what it needs has been.
    pub(super) fn read(&self, record: Record) -> Next {
        let read = read::<LobbyEvent, Character>(Domain::Lobby, &record);
        let mut next = Next {
            record,
            change: Change::default(),
            needs: Needs::default(),
            read,
        };
        let Read::Entry(key, entry) = &next.read else {
            return next;
        };
        next.change = change(self.outboxes.get(key), &entry.outbox);
        if let Ok(character) = key.parse::<CharacterId>() {
            next.needs = next.change.needs(&AggregateId::Character(character));
        }
        next
    }

    pub(super) fn fold(&mut self, next: Next, books: &mut Books) {
        let (key, entry) = match next.read {
            Read::Entry(key, entry) => (key, entry),
            Read::Unreadable(why) => {
                let (at, subject) = (next.record.sequence, &next.record.subject);
                books.report.find("decode", STREAM, at, Some(subject), why);
                return;
            }
        };
        self.keys
            .check(Domain::Lobby, &next.record, &key, &entry, &mut books.report);
        self.outboxes.insert(key.clone(), entry.outbox);
        let place = format!("{}.{key}", Domain::Lobby.token());
        let at = next.record.sequence;
        let Ok(character) = key.parse::<CharacterId>() else {
            let message = "its key is not a character's id";
            books
                .report
                .find("entry", STREAM, at, Some(&place), message);
            return;
        };
        let mut wrong = Vec::new();
        moves(character, &entry.events, &next.change, books, &mut wrong);
        let kept = matches!(entry.state.place, Some(Kept::Lobby(_)));
        self.kept.insert(character, (kept, at));
        if let Err(message) = agrees(character, kept, books) {
            wrong.push(("place", message));
        }
        for (check, message) in wrong {
            books.report.find(check, STREAM, at, Some(&place), message);
        }
    }

    /// Compares once more with where everybody is at the end.
    pub(super) fn close(&self, books: &mut Books) {
        for (character, (kept, at)) in &self.kept {
            if let Err(message) = agrees(*character, *kept, books) {
                let place = format!("{}.{character}", Domain::Lobby.token());
                books
                    .report
                    .find("place", STREAM, *at, Some(&place), message);
            }
        }
    }
}

/// Enters into the books what an entry does.
fn moves(
    character: CharacterId,
    events: &[LobbyEvent],
    change: &Change,
    books: &mut Books,
    wrong: &mut Vec<(&'static str, String)>,
) {
    let me = AggregateId::Character(character);
    let mut note = |check, result: Wrong| wrong.extend(result.err().map(|why| (check, why)));
    for event in events {
        match event {
            LobbyEvent::Created { character, .. } => {
                note("place", books.places.create(*character));
            }
            LobbyEvent::Erased {
                account: Some(_), ..
            } => {
                note("place", books.places.destroy(character));
            }
            LobbyEvent::Reclaimed { .. } => {
                books.report.characters_reclaimed += 1;
                note("place", books.places.reclaim(character));
            }
            _ => {}
        }
    }
    for (source, number) in &change.applied {
        let pair = (source.clone(), me.clone());
        note("effect", books.mail.apply(pair.clone(), *number));
        let received = books.places.receive(&Place::Lobby, &pair, *number);
        note("place", received.map(drop));
    }
    for effect in &change.issued {
        let pair = (me.clone(), effect.target.clone());
        note("effect", books.mail.issue(pair.clone(), effect.number));
        let sent = books
            .places
            .send(&Place::Lobby, pair, effect.number, &effect.payload);
        note("place", sent);
    }
    for (target, number) in &change.confirmed {
        let pair = (me.clone(), target.clone());
        note("effect", books.mail.confirm(pair, *number));
    }
}

fn agrees(character: CharacterId, kept: bool, books: &Books) -> Wrong {
    let there = books.places.of(character);
    if kept == matches!(there, Some(Place::Lobby)) {
        return Ok(());
    }
    let there = there.map_or("nowhere".to_owned(), ToString::to_string);
    Err(if kept {
        format!("the lobby keeps {character}, but it is {there}")
    } else {
        format!("the lobby does not keep {character}, but it is {there}")
    })
}
