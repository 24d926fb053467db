//! Reading an archive from the disk, message by message.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, ensure};
use eventlog::backup::{Causes, Decoder, Item, Message};
use sha2::{Digest, Sha256};

use super::manifest::hex;

/// So much is read at a time.
const PIECE: usize = 1 << 20;
/// No two brokers' clocks differ by more; only messages this close to the moment can lack a cause.
const DOUBTFUL_NANOS: i64 = 60_000_000_000;

/// What was found in an archive.
#[derive(Debug, Default)]
pub(super) struct Examined {
    /// Its size in bytes.
    pub(super) bytes: u64,
    /// Its SHA-256.
    pub(super) sha256: String,
    /// The first message, if there is one up to the cut.
    pub(super) first: Option<u64>,
    /// How many messages there are up to the cut.
    pub(super) messages: u64,
    /// How many there are after it.
    pub(super) beyond: u64,
    /// SHA-256 over the messages up to the cut.
    pub(super) content: String,
}

/// Reads the archive at `path` whole, and hands out its items.
pub(super) fn read(
    path: &Path,
    mut bytes_read: impl FnMut(&[u8]),
    mut item: impl FnMut(Item) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let context = || format!("reading {}", path.display());
    let mut file = File::open(path).with_context(context)?;
    let mut decoder = Decoder::default();
    let mut piece = vec![0; PIECE];
    loop {
        let length = file.read(&mut piece).with_context(context)?;
        let Some(bytes) = piece.get(..length).filter(|bytes| !bytes.is_empty()) else {
            return decoder.finish().with_context(context);
        };
        bytes_read(bytes);
        decoder.feed(bytes).with_context(context)?;
        while let Some(next) = decoder.next_item().with_context(context)? {
            item(next)?;
        }
    }
}

/// Examines the archive of `stream` at `path`, which is to be restored up to `cut`; `causes` takes note
/// of the messages around `moment`.
pub(super) fn examine(
    path: &Path,
    stream: &str,
    cut: u64,
    moment: i64,
    causes: &mut Causes,
) -> anyhow::Result<Examined> {
    let mut found = Examined::default();
    let (mut file, mut content) = (Sha256::new(), Content::default());
    let mut reaches = 0;
    read(
        path,
        |bytes| {
            found.bytes += bytes.len() as u64;
            file.update(bytes);
        },
        |item| {
            match item {
                Item::State(state) => reaches = state["last_seq"].as_u64().unwrap_or(0),
                Item::Message(message) if message.sequence <= cut => {
                    found.first.get_or_insert(message.sequence);
                    found.messages += 1;
                    content.add(&message);
                    if is_doubtful(&message, moment) {
                        causes.read(stream, &message);
                    }
                }
                Item::Message(message) => {
                    reaches = reaches.max(message.sequence);
                    found.beyond += 1;
                }
                Item::Consumer(_) | Item::End => {}
            }
            Ok(())
        },
    )?;
    ensure!(
        reaches >= cut,
        "{} ends at {reaches}, and {cut} is wanted of it",
        path.display()
    );
    found.sha256 = hex(&file.finalize());
    found.content = content.finish();
    Ok(found)
}

/// Whether a message stands so near to the moment that its cause may lie on the other side.
pub(super) const fn is_doubtful(message: &Message, moment: i64) -> bool {
    message.nanos > moment - DOUBTFUL_NANOS
}

/// A digest of messages: two streams of the same content have the same.
#[derive(Debug, Default)]
pub(super) struct Content(Sha256);

impl Content {
    /// Takes the next message.
    pub(super) fn add(&mut self, message: &Message) {
        let hash = &mut self.0;
        hash.update(message.sequence.to_be_bytes());
        hash.update(message.nanos.to_be_bytes());
        for part in [
            message.subject.as_bytes(),
            &message.headers,
            &message.payload,
        ] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }

    /// The digest, in hexadecimal digits.
    pub(super) fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}
