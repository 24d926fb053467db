//! The lobby's entries: whom it keeps, whom it sends, whom it gets back.

use std::collections::HashMap;

use eventlog::Record;
use schemas::effect::Effect;
use schemas::keyed::Outbox;
use schemas::lobby::{Character, LobbyEvent, Place as Kept};
use schemas::subjects::{AggregateId, Domain};
use schemas::{CharacterId, Sequence};

use super::Books;
use super::cursor::Waiting;
use super::keyed::{Keys, Read, read};
use super::mail::{Needs, Wrong};
use super::places::Place;

const STREAM: &str = Domain::Lobby.event_stream();

/// The next entry.
pub(super) struct Next {
    record: Record,
    read: Read<LobbyEvent, Character>,
    change: Change,
    needs: Needs,
}

/// What an entry changes in its outbox.
#[derive(Debug, Default)]
struct Change {
    issued: Vec<Effect>,
    applied: Vec<(AggregateId, u64)>,
    confirmed: Vec<(AggregateId, u64)>,
}

impl Waiting for Next {
    fn needs(&self) -> &Needs {
        &self.needs
    }
}

/// All characters' entries.
#[derive(Debug, Default)]
pub(super) struct Lobby {
    keys: Keys,
    /// As of the last entry that was read.
    outboxes: HashMap<String, Outbox>,
    /// As of the last entry that was folded: whom the lobby says that it keeps.
    kept: HashMap<CharacterId, (bool, Sequence)>,
}

fn change(before: &Outbox, after: &Outbox) -> Change {
    let known = |effect: &Effect| before.sent.get(&effect.target).copied().unwrap_or(0);
    let issued = after.pending.iter().filter(|e| e.number > known(e));
    let applied = after.received.iter().flat_map(|(source, last)| {
        let first = before.received.get(source).copied().unwrap_or(0) + 1;
        (first..=*last).map(move |number| (source.clone(), number))
    });
    let still = |old: &Effect| {
        let same = |new: &Effect| (&new.target, new.number) == (&old.target, old.number);
        after.pending.iter().any(same)
    };
    let confirmed = before.pending.iter().filter(|old| !still(old));
    Change {
        issued: issued.cloned().collect(),
        applied: applied.collect(),
        confirmed: confirmed
            .map(|old| (old.target.clone(), old.number))
            .collect(),
    }
}

impl Lobby {
    /// Takes a message apart; it is folded once what it needs has been.
    pub(super) fn read(&mut self, record: Record) -> Next {
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
        let before = self.outboxes.entry(key.clone()).or_default();
        next.change = change(before, &entry.outbox);
        before.clone_from(&entry.outbox);
        if let Ok(character) = key.parse::<CharacterId>() {
            let me = AggregateId::Character(character);
            let change = &next.change;
            let from =
                |(source, number): &(AggregateId, u64)| ((source.clone(), me.clone()), *number);
            let to =
                |(target, number): &(AggregateId, u64)| ((me.clone(), target.clone()), *number);
            next.needs.issued = change.applied.iter().map(from).collect();
            next.needs.applied = change.confirmed.iter().map(to).collect();
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
            LobbyEvent::Erased { account: Some(_) } => {
                note("place", books.places.destroy(character));
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
