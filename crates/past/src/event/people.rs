//! How ids of people are written.

/// What kind of id stands for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PersonalId {
    /// A character; a party too, which is named after one.
    Character,
    /// An account.
    Account,
    /// A login session.
    Login,
    /// A digest in the keyed domains: of an address, a login name, a ticket, a token.
    Digest,
}

/// Decides what is written in the place of an id that stands for a person.
pub trait People {
    /// Appends to `out` what shall stand for `id`: plain characters that need no escaping.
    fn write(&mut self, kind: PersonalId, id: &str, out: &mut Vec<u8>);
}

/// As they stand in the log.
#[derive(Debug, Clone, Copy, Default)]
pub struct AsRecorded;

impl People for AsRecorded {
    fn write(&mut self, _: PersonalId, id: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(id.as_bytes());
    }
}
