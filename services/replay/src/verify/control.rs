//! The controls of areas: what they send to their areas.

use std::collections::HashMap;

use eventlog::Record;
use schemas::control::{AreaControl, ControlEvent};
use schemas::keyed::Outbox;
use schemas::subjects::{AggregateId, Domain};
use serde::{Deserialize, Serialize};

use super::Books;
use super::cursor::Waiting;
use super::keyed::{Keys, Read, read};
use super::mail::{Needs, Wrong};
use super::outbox::{Change, change};

const STREAM: &str = Domain::Control.event_stream();

/// The next entry.
pub(super) struct Next {
    record: Record,
    read: Read<ControlEvent, AreaControl>,
    change: Change,
    needs: Needs,
}

impl Waiting for Next {
    fn needs(&self) -> &Needs {
        &self.needs
    }
}

/// All areas' controls.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Control {
    keys: Keys,
    /// As of the last entry that was folded.
    outboxes: HashMap<String, Outbox>,
}

impl Control {
    /// Takes a message apart; it is folded once what it needs has been.
    pub(super) fn read(&self, record: Record) -> Next {
        let read = read::<ControlEvent, AreaControl>(Domain::Control, &record);
        let mut next = Next {
            record,
            change: Change::default(),
            needs: Needs::default(),
            read,
        };
        if let Read::Entry(key, entry) = &next.read {
            next.change = change(self.outboxes.get(key), &entry.outbox);
            if let Ok(area) = key.parse() {
                next.needs = next.change.needs(&AggregateId::Control(area));
            }
        }
        next
    }

    pub(super) fn fold(&mut self, next: Next, books: &mut Books) {
        let at = next.record.sequence;
        let (key, entry) = match next.read {
            Read::Entry(key, entry) => (key, entry),
            Read::Unreadable(why) => {
                let subject = Some(next.record.subject.as_str());
                books.report.find("decode", STREAM, at, subject, why);
                return;
            }
        };
        let report = &mut books.report;
        self.keys
            .check(Domain::Control, &next.record, &key, &entry, report);
        self.outboxes.insert(key.clone(), entry.outbox);
        let place = format!("{}.{key}", Domain::Control.token());
        let Ok(area) = key.parse() else {
            let message = "its key is not an area's name";
            report.find("entry", STREAM, at, Some(&place), message);
            return;
        };
        let mut wrong = Vec::new();
        let mut note = |result: Wrong| wrong.extend(result.err());
        let me = AggregateId::Control(area);
        let mail = &mut books.mail;
        for (source, number) in next.change.applied {
            note(mail.apply((source, me.clone()), number));
        }
        for effect in next.change.issued {
            note(mail.issue((me.clone(), effect.target), effect.number));
        }
        for (target, number) in next.change.confirmed {
            note(mail.confirm((me.clone(), target), number));
        }
        for message in wrong {
            books
                .report
                .find("effect", STREAM, at, Some(&place), message);
        }
    }
}
