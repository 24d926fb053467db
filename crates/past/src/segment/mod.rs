//! A segment: a closed range of one stream, in one file that never changes.
//!
//! ```text
//! "WLSEG\r\n\x1a"                       8 bytes: what it is; a transfer that changes line ends breaks it
//! block …                               zstd, each of messages that are read together (an area's)
//! footer                                zstd of MessagePack: which block holds what, and its digest
//! length, plain length, SHA-256, "WLSEGEND"   8 + 8 + 32 + 8 bytes, of the footer
//! ```
//!
//! Who wants one area reads the footer and that area's blocks. Every byte is covered: blocks by their digests in the
//! footer, the footer by its own, which the manifest names too, as it does the whole file's.

pub(crate) mod decode;
mod encode;
mod varint;

use schemas::{Digest, Incarnation, Sequence, UnixMillis};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use encode::{Seal, Sealed, seal};

/// The format that this build writes, and the newest that it reads.
pub(crate) const FORMAT: u16 = 1;
const HEAD: &[u8; 8] = b"WLSEG\r\n\x1a";
const END: &[u8; 8] = b"WLSEGEND";
/// Of the footer: length, plain length, digest, [`END`].
pub(crate) const TRAILER: usize = 8 + 8 + 32 + 8;
/// No footer is larger: whoever reads one that says so reads nonsense.
const MOST_FOOTER: u64 = 1 << 30;
/// No block is larger.
const MOST_BLOCK: u64 = 64 << 20;

/// What is wrong with a segment's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// They are not what was written.
    Damaged(String),
    /// They are of a later format.
    Format(u16),
}

impl Flaw {
    pub(crate) fn damaged(why: impl Into<String>) -> Self {
        Self::Damaged(why.into())
    }
}

/// What a segment says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Footer {
    pub(crate) format: u16,
    pub(crate) stream: String,
    pub(crate) incarnation: Incarnation,
    pub(crate) first: Sequence,
    pub(crate) last: Sequence,
    pub(crate) messages: u64,
    /// Over all messages in order: places, times, subjects, traces, bytes.
    pub(crate) content: String,
    pub(crate) blocks: Vec<Block>,
}

/// One block.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Block {
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) plain: u64,
    /// Of its bytes in the file.
    pub(crate) digest: Digest,
    pub(crate) first: Sequence,
    pub(crate) last: Sequence,
    /// When its first message was stored; the others' times count from here.
    pub(crate) first_at: UnixMillis,
    pub(crate) messages: u64,
    /// Its subjects, in the order of their numbers in the block, with how many messages each has.
    pub(crate) subjects: Vec<(String, u64)>,
}

impl Footer {
    /// The blocks that hold any of the wanted subjects.
    pub(crate) fn blocks_of<'a>(
        &'a self,
        wanted: impl Fn(&str) -> bool + 'a,
    ) -> impl DoubleEndedIterator<Item = &'a Block> {
        let has = move |block: &&Block| block.subjects.iter().any(|(name, _)| wanted(name));
        self.blocks.iter().filter(has)
    }
}

/// A digest over messages in order: two ranges of the same content have the same.
#[derive(Debug, Default, Clone)]
pub(crate) struct Content(Sha256);

impl Content {
    pub(crate) fn add(&mut self, record: &eventlog::Record) {
        let hash = &mut self.0;
        hash.update(record.sequence.0.to_be_bytes());
        hash.update(record.stored_at.0.to_be_bytes());
        let trace = record.trace.as_deref().unwrap_or_default();
        for part in [record.subject.as_bytes(), trace.as_bytes(), &record.payload] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }

    pub(crate) fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

/// SHA-256, in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    })
}

#[cfg(test)]
mod tests;
