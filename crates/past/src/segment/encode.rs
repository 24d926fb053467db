//! Making a segment of messages.

use std::collections::BTreeMap;

use eventlog::Record;
use schemas::{Digest, Incarnation, Sequence, UnixMillis};
use sha2::{Digest as _, Sha256};

use super::varint::{put, zigzag};
use super::{Block, Content, END, FORMAT, Footer, HEAD, sha256};
use crate::subject::group;

/// A block is closed when it holds so many plain bytes, …
const BLOCK: usize = 256 << 10;
/// … or so many messages: a purge goes by whole blocks, and takes little at a time.
const BLOCK_MESSAGES: u64 = 1000;
/// Of zstd: three is its own default.
const LEVEL: i32 = 3;

/// What makes a segment out of messages.
#[derive(Debug, Clone, Copy)]
pub struct Seal<'a> {
    /// The stream.
    pub stream: &'a str,
    /// The life of the stream that they were read from.
    pub incarnation: Incarnation,
}

/// A segment's bytes, and what the manifest says of them.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The file.
    pub(crate) bytes: Vec<u8>,
    /// SHA-256 of the file.
    pub(crate) sha256: String,
    /// SHA-256 of its footer as it stands in the file.
    pub(crate) footer: String,
    /// [`Content`] of its messages.
    pub(crate) content: String,
    pub(crate) first: Sequence,
    pub(crate) last: Sequence,
    pub(crate) first_at: UnixMillis,
    pub(crate) last_at: UnixMillis,
    pub(crate) messages: u64,
    /// What the messages take in the broker, about.
    pub(crate) plain: u64,
    /// Digest of the last message.
    pub(crate) end: Digest,
}

/// Seals `records`, which stand in order. `None` when there are none.
#[must_use]
pub fn seal(what: Seal<'_>, records: &[Record]) -> Option<Sealed> {
    let (first, last) = (records.first()?, records.last()?);
    let mut bytes = HEAD.to_vec();
    let (mut open, mut blocks) = (BTreeMap::<&str, Open>::new(), Vec::new());
    let (mut content, mut plain) = (Content::default(), 0);
    for record in records {
        content.add(record);
        plain += size(record);
        let block = open.entry(group(&record.subject)).or_default();
        block.add(record);
        if block.plain.len() >= BLOCK || block.messages >= BLOCK_MESSAGES {
            blocks.push(std::mem::take(block).close(&mut bytes));
        }
    }
    let rest = open.into_values().filter(|block| block.messages > 0);
    blocks.extend(rest.map(|block| block.close(&mut bytes)));
    let content = content.finish();
    let footer = schemas::encode(&Footer {
        format: FORMAT,
        stream: what.stream.to_owned(),
        incarnation: what.incarnation,
        first: first.sequence,
        last: last.sequence,
        messages: records.len() as u64,
        content: content.clone(),
        blocks,
    });
    let packed = compress(&footer);
    bytes.extend_from_slice(&packed);
    bytes.extend_from_slice(&(packed.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&(footer.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&Sha256::digest(&packed));
    bytes.extend_from_slice(END);
    Some(Sealed {
        sha256: sha256(&bytes),
        footer: sha256(&packed),
        content,
        first: first.sequence,
        last: last.sequence,
        first_at: first.stored_at,
        last_at: last.stored_at,
        messages: records.len() as u64,
        plain,
        end: Digest::of(&last.payload),
        bytes,
    })
}

impl Sealed {
    /// Its size in bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.bytes.len() as u64
    }
}

/// What a message takes in the broker's store, about: bytes, subject, headers and bookkeeping.
pub(crate) fn size(record: &Record) -> u64 {
    (record.payload.len() + record.subject.len() + 64) as u64
}

/// Compressing cannot fail but for want of memory, and then plain bytes in one zstd frame are no better; an empty
/// result does not read back, which is found before anything is relied on.
fn compress(plain: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(plain, LEVEL).unwrap_or_default()
}

/// A block that is being filled.
#[derive(Default)]
struct Open<'a> {
    plain: Vec<u8>,
    messages: u64,
    first: Sequence,
    last: Sequence,
    first_at: UnixMillis,
    subjects: Vec<(String, u64)>,
    numbers: BTreeMap<&'a str, usize>,
}

impl<'a> Open<'a> {
    fn add(&mut self, record: &'a Record) {
        if self.messages == 0 {
            (self.first, self.first_at) = (record.sequence, record.stored_at);
            self.last = record.sequence;
        }
        let number = *self.numbers.entry(&record.subject).or_insert_with(|| {
            self.subjects.push((record.subject.clone(), 0));
            self.subjects.len() - 1
        });
        if let Some((_, count)) = self.subjects.get_mut(number) {
            *count += 1;
        }
        let out = &mut self.plain;
        put(record.sequence.0 - self.last.0, out);
        put(
            zigzag(signed(record.stored_at) - signed(self.first_at)),
            out,
        );
        put(number as u64, out);
        match &record.trace {
            None => put(0, out),
            Some(trace) => {
                put(trace.len() as u64 + 1, out);
                out.extend_from_slice(trace.as_bytes());
            }
        }
        put(record.payload.len() as u64, out);
        out.extend_from_slice(&record.payload);
        self.last = record.sequence;
        self.messages += 1;
    }

    fn close(self, file: &mut Vec<u8>) -> Block {
        let packed = compress(&self.plain);
        let offset = file.len() as u64;
        file.extend_from_slice(&packed);
        Block {
            offset,
            length: packed.len() as u64,
            plain: self.plain.len() as u64,
            digest: Digest::of(&packed),
            first: self.first,
            last: self.last,
            first_at: self.first_at,
            messages: self.messages,
            subjects: self.subjects,
        }
    }
}

fn signed(at: UnixMillis) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX)
}
