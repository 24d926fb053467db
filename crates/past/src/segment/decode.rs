//! Reading a segment's footer and blocks. What is read here may be anything: nothing is believed that is not
//! covered by a digest, and nothing is reserved that was only claimed.

use bytes::Bytes;
use eventlog::Record;
use schemas::{Digest, Sequence, UnixMillis};
use serde::Deserialize;

use super::varint::{take, unzigzag};
use super::{Block, END, FORMAT, Flaw, Footer, HEAD, MOST_BLOCK, MOST_FOOTER, TRAILER, sha256};
use crate::subject::Filters;

/// Where a footer stands, read from a file's last bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trailer {
    /// Its length in the file; it ends where the trailer begins.
    pub(crate) length: u64,
    plain: u64,
}

impl Trailer {
    /// Reads the last [`TRAILER`] bytes of a file of `size` bytes.
    pub(crate) fn read(bytes: &[u8], size: u64) -> Result<Self, Flaw> {
        let number = |at: usize| -> Option<u64> {
            let bytes = bytes.get(at..at + 8)?;
            Some(u64::from_le_bytes(bytes.try_into().ok()?))
        };
        let whole = bytes.len() == TRAILER && bytes.ends_with(END);
        let (Some(length), Some(plain), true) = (number(0), number(8), whole) else {
            return Err(Flaw::damaged("its end is missing"));
        };
        let room = size.saturating_sub((TRAILER + HEAD.len()) as u64);
        if length > room || plain > MOST_FOOTER {
            return Err(Flaw::damaged("its end says what cannot be"));
        }
        Ok(Self { length, plain })
    }
}

#[derive(Deserialize)]
struct Version {
    format: u16,
}

impl Footer {
    /// Reads a footer from its bytes in the file, which must have the digest `wanted`.
    pub(crate) fn read(packed: &[u8], trailer: &Trailer, wanted: &str) -> Result<Self, Flaw> {
        if sha256(packed) != wanted {
            return Err(Flaw::damaged(
                "its table of contents is not what was written",
            ));
        }
        let plain = zstd::bulk::decompress(packed, usize::try_from(trailer.plain).unwrap_or(0));
        let plain =
            plain.map_err(|error| Flaw::damaged(format!("its table of contents: {error}")))?;
        let unreadable = |error: schemas::DecodeError| Flaw::damaged(error.to_string());
        let version: Version = schemas::decode(&plain).map_err(unreadable)?;
        if version.format > FORMAT {
            return Err(Flaw::Format(version.format));
        }
        schemas::decode(&plain).map_err(unreadable)
    }

    /// The same out of a whole file.
    pub(crate) fn of_file(file: &[u8], wanted: &str) -> Result<Self, Flaw> {
        if !file.starts_with(HEAD) {
            return Err(Flaw::damaged("it does not begin as a segment does"));
        }
        let at = file.len().saturating_sub(TRAILER);
        let (rest, end) = file.split_at(at);
        let trailer = Trailer::read(end, file.len() as u64)?;
        let at = rest.len() - usize::try_from(trailer.length).unwrap_or(0).min(rest.len());
        Self::read(rest.get(at..).unwrap_or_default(), &trailer, wanted)
    }
}

impl Block {
    /// Its bytes in a whole file.
    pub(crate) fn of_file(&self, file: &Bytes) -> Result<Bytes, Flaw> {
        let from = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let to = from.saturating_add(usize::try_from(self.length).unwrap_or(usize::MAX));
        if to > file.len() {
            return Err(Flaw::damaged("it ends within a block"));
        }
        Ok(file.slice(from..to))
    }

    /// Reads the messages in it that are wanted and stand after `after`, up to `until`.
    pub(crate) fn read(
        &self,
        packed: &[u8],
        stream: &str,
        filters: &Filters,
        (after, until): (Sequence, Sequence),
        out: &mut Vec<Record>,
    ) -> Result<(), Flaw> {
        if packed.len() as u64 != self.length || Digest::of(packed) != self.digest {
            return Err(Flaw::damaged(format!(
                "the block at byte {} is not what was written",
                self.offset
            )));
        }
        if self.plain > MOST_BLOCK {
            return Err(Flaw::damaged("a block says that it is larger than any is"));
        }
        let plain = zstd::bulk::decompress(packed, usize::try_from(self.plain).unwrap_or(0));
        let plain: Bytes = plain
            .map_err(|error| Flaw::damaged(format!("the block at byte {}: {error}", self.offset)))?
            .into();
        let wanted: Vec<bool> = self
            .subjects
            .iter()
            .map(|(subject, _)| filters.matches(subject))
            .collect();
        let mut rest: &[u8] = &plain;
        let mut sequence = self.first;
        for _ in 0..self.messages {
            let message = Message::take(&mut rest)
                .ok_or_else(|| Flaw::damaged("a block ends within a message"))?;
            sequence = Sequence(sequence.0.saturating_add(message.step));
            let subject = usize::try_from(message.subject).unwrap_or(usize::MAX);
            let Some((name, _)) = self.subjects.get(subject) else {
                return Err(Flaw::damaged("a message names a subject that is not there"));
            };
            let is_wanted = wanted.get(subject).copied().unwrap_or(false);
            if !is_wanted || sequence <= after || sequence > until {
                continue;
            }
            let at = i64::try_from(self.first_at.0).unwrap_or(0);
            out.push(Record {
                stream: stream.to_owned(),
                subject: name.clone(),
                sequence,
                payload: plain.slice_ref(message.payload),
                stored_at: UnixMillis(u64::try_from(at.saturating_add(message.later)).unwrap_or(0)),
                trace: message
                    .trace
                    .map(|trace| String::from_utf8_lossy(trace).into_owned()),
            });
        }
        if !rest.is_empty() || sequence != self.last {
            return Err(Flaw::damaged("a block does not end where it says"));
        }
        Ok(())
    }
}

/// A message as it stands in a block.
struct Message<'a> {
    step: u64,
    later: i64,
    subject: u64,
    trace: Option<&'a [u8]>,
    payload: &'a [u8],
}

impl<'a> Message<'a> {
    fn take(rest: &mut &'a [u8]) -> Option<Self> {
        let (step, later, subject) = (take(rest)?, unzigzag(take(rest)?), take(rest)?);
        let trace = match take(rest)? {
            0 => None,
            length => Some(bytes(rest, length - 1)?),
        };
        let length = take(rest)?;
        Some(Self {
            step,
            later,
            subject,
            trace,
            payload: bytes(rest, length)?,
        })
    }
}

fn bytes<'a>(rest: &mut &'a [u8], length: u64) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = left;
    Some(taken)
}
