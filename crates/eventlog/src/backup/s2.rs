//! S2 streams: how the broker compresses what it hands out for a backup.
//!
//! S2 is Snappy's framing with one more way to say "as before". It is read here and written
//! uncompressed, as chunks that every reader of S2 and of Snappy takes. Each chunk carries a
//! checksum, which is compared.

use super::BackupError;

/// The chunk that opens a stream.
const STREAM: &[u8] = b"\xff\x06\x00\x00sNaPpY";
/// What opens a stream of the broker.
const STREAM_S2: &[u8] = b"S2sTwO";
const COMPRESSED: u8 = 0x00;
const PLAIN: u8 = 0x01;
const IDENTIFIER: u8 = 0xff;
/// From here on unknown kinds of chunks are passed over.
const SKIPPABLE: u8 = 0x80;
/// The largest chunk that is read: S2's largest block is 4 MiB.
const LARGEST: usize = 8 << 20;
/// The largest chunk that is written: Snappy's.
const WRITTEN: usize = 1 << 16;

/// Takes chunks apart as they come.
#[derive(Debug, Default)]
pub(super) struct Unpacker {
    waiting: Vec<u8>,
    opened: bool,
}

impl Unpacker {
    /// Takes `bytes`, and puts what they make complete behind `out`.
    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), BackupError> {
        self.waiting.extend_from_slice(bytes);
        let mut from = 0;
        while let Some(Chunk {
            kind,
            content,
            next,
        }) = chunk(&self.waiting, from)?
        {
            self.opened |= kind == IDENTIFIER;
            if !self.opened {
                return Err(BackupError::damaged("it does not begin as an S2 stream"));
            }
            take(kind, content, out)?;
            from = next;
        }
        self.waiting.drain(..from);
        Ok(())
    }

    /// Whether nothing of a chunk waits for its rest.
    pub(super) fn is_whole(&self) -> bool {
        self.opened && self.waiting.is_empty()
    }
}

/// A piece of the stream.
struct Chunk<'a> {
    kind: u8,
    content: &'a [u8],
    /// Where the next one begins.
    next: usize,
}

/// The chunk that begins at `from`; `None`: not all of it is there.
fn chunk(bytes: &[u8], from: usize) -> Result<Option<Chunk<'_>>, BackupError> {
    let Some([kind, a, b, c]) = bytes.get(from..from + 4) else {
        return Ok(None);
    };
    let length = u32::from_le_bytes([*a, *b, *c, 0]) as usize;
    if length > LARGEST {
        return Err(BackupError::damaged("a chunk is larger than any"));
    }
    let next = from + 4 + length;
    let content = bytes.get(from + 4..next);
    Ok(content.map(|content| Chunk {
        kind: *kind,
        content,
        next,
    }))
}

fn take(kind: u8, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), BackupError> {
    let checked = |out: &[u8], from: usize, sum: &[u8]| {
        let same = masked(crc32c(&out[from..])).to_le_bytes() == sum;
        let wrong = || BackupError::damaged("a chunk's checksum does not fit");
        same.then_some(()).ok_or_else(wrong)
    };
    let from = out.len();
    match (kind, chunk.split_at_checked(4)) {
        (IDENTIFIER, _) if chunk == STREAM_S2 || chunk == &STREAM[4..] => Ok(()),
        (PLAIN, Some((sum, content))) => {
            out.extend_from_slice(content);
            checked(out, from, sum)
        }
        (COMPRESSED, Some((sum, content))) => {
            unpack(content, out).ok_or_else(|| BackupError::damaged("a block does not unpack"))?;
            checked(out, from, sum)
        }
        (SKIPPABLE..IDENTIFIER, _) => Ok(()),
        _ => Err(BackupError::damaged("a chunk of a kind that is not known")),
    }
}

/// Unpacks one block behind `out`; `None` when it is broken.
fn unpack(block: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (length, mut at) = varint(block)?;
    let begin = out.len();
    let end = begin.checked_add(usize::try_from(length).ok()?)?;
    (end - begin <= LARGEST).then_some(())?;
    out.reserve(end - begin);
    let mut distance = 0;
    while at < block.len() {
        let (tag, value) = (block[at] & 3, usize::from(block[at] >> 2));
        at += 1;
        let length = match tag {
            0 => {
                let length = if value < 60 {
                    value
                } else {
                    little(block, &mut at, value - 59)?
                } + 1;
                out.extend_from_slice(block.get(at..at.checked_add(length)?)?);
                at += length;
                (out.len() <= end).then_some(())?;
                continue;
            }
            1 => {
                let near = ((value >> 3) << 8) | little(block, &mut at, 1)?;
                let length = match (near, value & 7) {
                    // S2's own: the distance is the one before.
                    (0, 5) => little(block, &mut at, 1)? + 4,
                    (0, 6) => little(block, &mut at, 2)? + (1 << 8),
                    (0, 7) => little(block, &mut at, 3)? + (1 << 16),
                    (_, length) => length,
                };
                if near != 0 {
                    distance = near;
                }
                length + 4
            }
            2 => {
                distance = little(block, &mut at, 2)?;
                value + 1
            }
            _ => {
                distance = little(block, &mut at, 4)?;
                value + 1
            }
        };
        let from = out.len().checked_sub(distance)?;
        (distance > 0 && from >= begin && out.len() + length <= end).then_some(())?;
        // What is copied may be part of the copy itself.
        for index in from..from + length {
            out.push(out[index]);
        }
    }
    (out.len() == end).then_some(())
}

/// A number of `count` bytes, the lowest first.
fn little(bytes: &[u8], at: &mut usize, count: usize) -> Option<usize> {
    let digits = bytes.get(*at..*at + count)?;
    *at += count;
    let number = digits.iter().rev();
    Some(number.fold(0, |number, byte| (number << 8) | usize::from(*byte)))
}

/// A number of up to ten bytes with seven bits each, and how many it took.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((number, index + 1));
        }
    }
    None
}

/// Puts `content` behind `out` as chunks; the first call opens the stream.
pub(super) fn pack(content: &[u8], out: &mut Vec<u8>, opens: bool) {
    if opens {
        out.extend_from_slice(STREAM);
    }
    for piece in content.chunks(WRITTEN) {
        let [a, b, c, _] = u32::try_from(piece.len() + 4)
            .unwrap_or(u32::MAX)
            .to_le_bytes();
        out.extend_from_slice(&[PLAIN, a, b, c]);
        out.extend_from_slice(&masked(crc32c(piece)).to_le_bytes());
        out.extend_from_slice(piece);
    }
}

/// Snappy's checksums are turned, because a checksum of checksums tells little.
const fn masked(sum: u32) -> u32 {
    sum.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Eight tables, so that eight bytes are taken at a time.
const TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let mut sum = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = (sum >> 1) ^ (if sum & 1 == 1 { 0x82f6_3b78 } else { 0 });
            bit += 1;
        }
        tables[0][byte] = sum;
        byte += 1;
    }
    let mut table = 1;
    while table < 8 {
        byte = 0;
        while byte < 256 {
            let before = tables[table - 1][byte];
            tables[table][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        table += 1;
    }
    tables
}

/// CRC-32 with Castagnoli's polynomial.
fn crc32c(bytes: &[u8]) -> u32 {
    let at = |table: usize, byte: u32| TABLES[table][(byte & 0xff) as usize];
    let mut sum = u32::MAX;
    let (eights, rest) = bytes.as_chunks::<8>();
    for [a, b, c, d, e, f, g, h] in eights {
        let low = sum ^ u32::from_le_bytes([*a, *b, *c, *d]);
        let high = u32::from_le_bytes([*e, *f, *g, *h]);
        sum = at(7, low) ^ at(6, low >> 8) ^ at(5, low >> 16) ^ at(4, low >> 24);
        sum ^= at(3, high) ^ at(2, high >> 8) ^ at(1, high >> 16) ^ at(0, high >> 24);
    }
    for byte in rest {
        sum = (sum >> 8) ^ at(0, sum ^ u32::from(*byte));
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    }

    #[test]
    fn what_is_packed_is_unpacked_however_it_is_cut() {
        let content: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
        let mut packed = Vec::new();
        pack(&content, &mut packed, true);
        for cut in [1, 7, 4096, packed.len()] {
            let (mut unpacker, mut out) = (Unpacker::default(), Vec::new());
            for piece in packed.chunks(cut) {
                unpacker.feed(piece, &mut out).unwrap();
            }
            assert!(unpacker.is_whole());
            assert_eq!(out, content);
        }
    }

    #[test]
    fn copies_and_repeats_are_unpacked() {
        // Literal "abcd"; copy 4 from 4 back; repeat of that distance, 5 + 8 long.
        let block = [
            21, 0x0c, b'a', b'b', b'c', b'd', 0x01, 4, 0x15, 0, 1, 0x0c, b'x', b'y', b'z', b'!',
        ];
        let mut out = b"before".to_vec();
        assert_eq!(unpack(&block, &mut out), Some(()));
        assert_eq!(out, b"beforeabcdabcdabcdabcdaxyz!");
        // A copy from before the block.
        assert_eq!(unpack(&[4, 0x01, 4], &mut b"before".to_vec()), None);
    }

    #[test]
    fn a_turned_bit_is_found_wherever_it_is() {
        let mut packed = Vec::new();
        pack(
            b"nothing accepted is ever lost or doubled",
            &mut packed,
            true,
        );
        for bit in 0..packed.len() * 8 {
            let mut turned = packed.clone();
            turned[bit / 8] ^= 1 << (bit % 8);
            let (mut unpacker, mut out) = (Unpacker::default(), Vec::new());
            let fed = unpacker.feed(&turned, &mut out);
            let passed_over = out.is_empty();
            assert!(
                fed.is_err() || !unpacker.is_whole() || passed_over,
                "bit {bit}"
            );
        }
    }
}
