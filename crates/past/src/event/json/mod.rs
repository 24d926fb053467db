//! Writing an event's fields as JSON text, straight from the typed value.
//!
//! Not `serde_json`, for two reasons. Ids of people must be found *by their type*, wherever a message holds them, so
//! that a field that is added later cannot be forgotten: they serialize through `collect_str`, which knows the type.
//! And bytes are written as hexadecimal text instead of as a list of numbers.

mod serializer;
#[cfg(test)]
mod tests;

use std::any::type_name;
use std::fmt::{self, Display};
use std::io::Write as _;

use schemas::subjects::AggregateId;
use schemas::{AccountId, CharacterId, Digest, LoginId};
use serde::Serialize;
use serde::ser;

use super::people::{People, PersonalId};

/// Writes one value.
pub(super) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    people: &'a mut dyn People,
    personal_digests: bool,
    drop_type: bool,
}

/// What a serializer has to be able to say; none of our types ever does.
#[derive(Debug)]
pub(super) struct Refused(String);

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

type Written = Result<(), Refused>;

impl<'a> Writer<'a> {
    pub(super) const fn new(out: &'a mut Vec<u8>, people: &'a mut dyn People) -> Self {
        Self {
            out,
            people,
            personal_digests: true,
            drop_type: false,
        }
    }

    /// Whether digests stand for people here.
    pub(super) const fn with_personal_digests(mut self, personal: bool) -> Self {
        self.personal_digests = personal;
        self
    }

    /// Leaves out the outermost value's tag `type`.
    pub(super) const fn without_type(mut self) -> Self {
        self.drop_type = true;
        self
    }

    /// Appends `value`; what cannot be said as JSON is `null`.
    pub(super) fn write<T: Serialize + ?Sized>(mut self, value: &T) {
        let start = self.out.len();
        if value.serialize(&mut self).is_err() {
            debug_assert!(false, "no event holds what JSON cannot say");
            self.out.truncate(start);
            self.out.extend_from_slice(b"null");
        }
    }

    fn unsigned(&mut self, mut number: u64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + u8::try_from(number % 10).unwrap_or(0);
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.out.extend_from_slice(&digits[at..]);
    }

    fn signed(&mut self, number: i64) {
        if number < 0 {
            self.out.push(b'-');
        }
        self.unsigned(number.unsigned_abs());
    }

    fn text(&mut self, text: &str) {
        self.out.push(b'"');
        escaped(text, self.out);
        self.out.push(b'"');
    }

    /// A text of a message: the name of a person's key holds the account's id.
    fn told(&mut self, text: &str) {
        let account = text.strip_prefix(PERSON);
        let Some(account) = account.filter(|id| id.parse::<AccountId>().is_ok()) else {
            return self.text(text);
        };
        self.out.push(b'"');
        self.out.extend_from_slice(PERSON.as_bytes());
        self.person(PersonalId::Account, account);
        self.out.push(b'"');
    }

    fn hexadecimal(&mut self, bytes: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.out.push(b'"');
        for byte in bytes {
            self.out.push(DIGITS[usize::from(byte >> 4)]);
            self.out.push(DIGITS[usize::from(byte & 15)]);
        }
        self.out.push(b'"');
    }

    fn person(&mut self, kind: PersonalId, id: &str) {
        if kind == PersonalId::Digest && !self.personal_digests {
            self.out.extend_from_slice(id.as_bytes());
        } else {
            self.people.write(kind, id, self.out);
        }
    }

    /// What was just written behind `start` as plain text, now quoted, escaped and with people as they shall be.
    fn settle(&mut self, start: usize, named: Named) {
        // Ids and aggregates are short; what is longer is nobody's id.
        let mut copy = [0; 96];
        let written = &self.out[start..];
        let Some(copy) = copy.get_mut(..written.len()) else {
            let text = String::from_utf8_lossy(written).into_owned();
            self.out.truncate(start);
            return self.text(&text);
        };
        copy.copy_from_slice(written);
        self.out.truncate(start);
        let text = std::str::from_utf8(copy).unwrap_or_default();
        self.out.push(b'"');
        match (named, text.strip_prefix(CHARACTER)) {
            (Named::Person(kind), _) => self.person(kind, text),
            (Named::Aggregate, Some(id)) => {
                self.out.extend_from_slice(CHARACTER.as_bytes());
                self.person(PersonalId::Character, id);
            }
            (Named::Aggregate | Named::Other, _) => escaped(text, self.out),
        }
        self.out.push(b'"');
    }
}

/// How the name of a key under which a person's texts are sealed begins.
const PERSON: &str = "person.";
/// How an aggregate that is a character begins.
const CHARACTER: &str = "character.";

/// What kind of value writes itself as text.
#[derive(Clone, Copy)]
enum Named {
    Person(PersonalId),
    Aggregate,
    Other,
}

fn named<T: ?Sized>() -> Named {
    let name = type_name::<T>();
    if name == type_name::<CharacterId>() {
        Named::Person(PersonalId::Character)
    } else if name == type_name::<AccountId>() {
        Named::Person(PersonalId::Account)
    } else if name == type_name::<LoginId>() {
        Named::Person(PersonalId::Login)
    } else if name == type_name::<Digest>() {
        Named::Person(PersonalId::Digest)
    } else if name == type_name::<AggregateId>() {
        Named::Aggregate
    } else {
        Named::Other
    }
}

/// Appends `text` as it stands between the quotes of a JSON string.
pub(super) fn escaped(text: &str, out: &mut Vec<u8>) {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            0..0x20 => {
                // A vector takes whatever is written to it.
                let written = write!(out, "\\u{byte:04x}");
                debug_assert!(written.is_ok());
            }
            _ => out.push(byte),
        }
    }
}
