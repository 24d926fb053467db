//! What is in a stream's backup: its state, its durable consumers, its messages one by one, an end.
//!
//! This is the broker's own format ("NATSARC1", server 2.15), so that `nats stream restore` takes
//! our files and the broker restores what we write. Every message has its sequence, its time to
//! the nanosecond, its headers and its bytes; so a copy is the stream, and a copy that ends earlier
//! is the stream as it was then.

use bytes::Bytes;
use serde_json::Value;

use super::BackupError;
use super::s2::{Unpacker, pack, varint};

const MAGIC: &[u8] = b"NATSARC1";
const STATE: &str = "state.json";
const CONSUMER: &str = "consumers/";
/// The broker's messages have at most 4 MB (`nats/server.conf`).
const LARGEST: u64 = 64 << 20;
/// So much is packed at a time.
const PIECE: usize = 1 << 18;

/// A message with all that the broker keeps of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The exact subject.
    pub subject: String,
    /// When it was stored: nanoseconds since 1970.
    pub nanos: i64,
    /// Its place in the stream.
    pub sequence: u64,
    /// The header block as it was sent; may be empty.
    pub headers: Bytes,
    /// The bytes.
    pub payload: Bytes,
}

/// One thing in an archive.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// What the stream held when the archive was begun. Comes first.
    State(Value),
    /// A durable consumer: its configuration and how far it was. After the state.
    Consumer(Value),
    /// A message; in order.
    Message(Message),
    /// All of it is there. Comes last.
    End,
}

/// Takes an archive apart as it comes.
#[derive(Debug, Default)]
pub struct Decoder {
    unpacker: Unpacker,
    plain: Vec<u8>,
    at: usize,
    opened: bool,
    ended: bool,
    last: u64,
}

impl Decoder {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// When they are damaged.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.plain.drain(..self.at);
        self.at = 0;
        self.unpacker.feed(bytes, &mut self.plain)
    }

    /// The next item, if all of it has come.
    ///
    /// # Errors
    /// When what has come is no archive of a stream.
    pub fn next_item(&mut self) -> Result<Option<Item>, BackupError> {
        if !self.opened {
            let Some(magic) = self.plain.get(..MAGIC.len()) else {
                return Ok(None);
            };
            if magic != MAGIC {
                return Err(BackupError::OldFormat);
            }
            (self.opened, self.at) = (true, MAGIC.len());
        }
        let Some(entry) = Entry::read(&self.plain[self.at..])? else {
            return Ok(None);
        };
        if self.ended {
            return Err(BackupError::damaged("something follows the end"));
        }
        self.at += entry.length;
        let item = entry.item()?;
        match &item {
            Item::Message(message) if message.sequence <= self.last => {
                return Err(BackupError::damaged("its messages are not in order"));
            }
            Item::Message(message) => self.last = message.sequence,
            Item::End => self.ended = true,
            Item::State(_) | Item::Consumer(_) => {}
        }
        Ok(Some(item))
    }

    /// To be called after the last byte and the last item.
    ///
    /// # Errors
    /// When the end is missing: the archive was cut.
    pub fn finish(&self) -> Result<(), BackupError> {
        if self.ended && self.unpacker.is_whole() {
            return Ok(());
        }
        Err(BackupError::damaged("its end is missing"))
    }
}

struct Entry<'a> {
    name: &'a [u8],
    nanos: i64,
    sequence: u64,
    headers: &'a [u8],
    payload: &'a [u8],
    length: usize,
}

impl<'a> Entry<'a> {
    /// The entry at the beginning of `bytes`; `None`: not all of it is there.
    fn read(bytes: &'a [u8]) -> Result<Option<Self>, BackupError> {
        let mut at = 0;
        let mut numbers = [0; 5];
        for number in &mut numbers {
            let rest = &bytes[at..];
            match varint(rest) {
                Some((read, length)) => (*number, at) = (read, at + length),
                None if rest.len() < 10 => return Ok(None),
                None => return Err(BackupError::damaged("a number has no end")),
            }
        }
        let [name, time, sequence, headers, payload] = numbers;
        if name > LARGEST || headers > LARGEST || payload > LARGEST {
            return Err(BackupError::damaged("a message is larger than any"));
        }
        let mut part = |length: u64| {
            let from = at;
            at += usize::try_from(length).ok()?;
            bytes.get(from..at)
        };
        let (Some(name), Some(headers), Some(payload)) = (part(name), part(headers), part(payload))
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            name,
            nanos: zigzag(time),
            sequence,
            headers,
            payload,
            length: at,
        }))
    }

    fn item(&self) -> Result<Item, BackupError> {
        let name = std::str::from_utf8(self.name)
            .map_err(|_| BackupError::damaged("a subject is no text"))?;
        let value = || {
            let read = serde_json::from_slice(self.payload);
            read.map_err(|error| BackupError::damaged(&format!("{name}: {error}")))
        };
        Ok(match (self.sequence, name) {
            (0, STATE) => Item::State(value()?),
            (0, "") if self.payload.is_empty() => Item::End,
            (0, name) if name.starts_with(CONSUMER) => Item::Consumer(value()?),
            (0, _) => return Err(BackupError::damaged("it holds what is not known")),
            (sequence, subject) => Item::Message(Message {
                subject: subject.to_owned(),
                nanos: self.nanos,
                sequence,
                headers: Bytes::copy_from_slice(self.headers),
                payload: Bytes::copy_from_slice(self.payload),
            }),
        })
    }
}

/// Puts an archive together; what is ready is taken with [`Encoder::take`].
#[derive(Debug, Default)]
pub struct Encoder {
    plain: Vec<u8>,
    packed: Vec<u8>,
    opened: bool,
}

impl Encoder {
    /// Puts in an item. The order is the caller's: state, consumers, messages, end.
    pub fn put(&mut self, item: &Item) {
        if !self.opened && self.plain.is_empty() {
            self.plain.extend_from_slice(MAGIC);
        }
        match item {
            Item::State(state) => self.entry(STATE, 0, 0, &[], state.to_string().as_bytes()),
            Item::Consumer(consumer) => {
                let name = consumer["config"]["name"].as_str().unwrap_or_default();
                let name = format!("{CONSUMER}{name}");
                self.entry(&name, 0, 0, &[], consumer.to_string().as_bytes());
            }
            Item::Message(message) => self.entry(
                &message.subject,
                message.nanos,
                message.sequence,
                &message.headers,
                &message.payload,
            ),
            Item::End => self.entry("", 0, 0, &[], &[]),
        }
        if self.plain.len() >= PIECE || *item == Item::End {
            pack(&self.plain, &mut self.packed, !self.opened);
            self.opened = true;
            self.plain.clear();
        }
    }

    /// What is ready; may be empty.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.packed)
    }

    fn entry(&mut self, name: &str, nanos: i64, sequence: u64, headers: &[u8], payload: &[u8]) {
        let lengths = [name.len(), headers.len(), payload.len()];
        let [name_length, header_length, length] = lengths.map(|length| length as u64);
        let time = unzigzag(nanos);
        for number in [name_length, time, sequence, header_length, length] {
            write_varint(number, &mut self.plain);
        }
        for part in [name.as_bytes(), headers, payload] {
            self.plain.extend_from_slice(part);
        }
    }
}

#[expect(clippy::cast_possible_wrap, reason = "that is what the encoding does")]
const fn zigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[expect(clippy::cast_sign_loss, reason = "that is what the encoding does")]
const fn unzigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn write_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(sequence: u64) -> Item {
        Item::Message(Message {
            subject: format!("evt.area.harbor-{}", sequence % 3),
            nanos: 1_795_269_492_689_835_343 + i64::try_from(sequence).unwrap(),
            sequence,
            headers: Bytes::from_static(b"NATS/1.0\r\ntraceparent: 1\r\n\r\n"),
            payload: vec![7; usize::try_from(sequence).unwrap() % 40_000].into(),
        })
    }

    fn archive() -> (Vec<Item>, Vec<u8>) {
        let consumer = json!({ "config": { "name": "lobby-3" }, "state": { "ack_floor": { "stream_seq": 7 } } });
        let mut items = vec![
            Item::State(json!({ "messages": 3, "first_seq": 1, "last_seq": 100_000 })),
            Item::Consumer(consumer),
        ];
        items.extend([1, 5, 99_999].map(message));
        items.push(Item::End);
        let mut encoder = Encoder::default();
        items.iter().for_each(|item| encoder.put(item));
        (items, encoder.take())
    }

    fn read(bytes: &[u8], piece: usize) -> Result<Vec<Item>, BackupError> {
        let (mut decoder, mut items) = (Decoder::default(), Vec::new());
        for piece in bytes.chunks(piece) {
            decoder.feed(piece)?;
            while let Some(item) = decoder.next_item()? {
                items.push(item);
            }
        }
        decoder.finish()?;
        Ok(items)
    }

    #[test]
    fn an_archive_is_read_as_it_was_written_however_it_comes() {
        let (items, bytes) = archive();
        for piece in [1, 100, bytes.len()] {
            assert_eq!(read(&bytes, piece).unwrap(), items);
        }
    }

    #[test]
    fn an_archive_that_was_cut_anywhere_is_no_archive() {
        let (_, bytes) = archive();
        for length in (0..bytes.len()).step_by(97) {
            assert!(read(&bytes[..length], 4096).is_err(), "{length}");
        }
    }
}
