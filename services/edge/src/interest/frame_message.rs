//! A client's frame: a small header in front of chunks that others receive as well.

use bytes::Bytes;
use schemas::Step;
use schemas::wire::{Encoding, Own};

use super::chunks::Part;

/// Op of `ServerMessage::Frame`.
const FRAME: u64 = 3;

/// `[3, sequence, step, own, [chunks…]]`, the chunks taken as they are from `parts`.
pub(crate) fn frame_message(
    encoding: Encoding,
    sequence: u64,
    step: Step,
    own: Option<&Own>,
    parts: &[&Part],
) -> Bytes {
    let chunks: usize = parts.iter().map(|part| part.chunks).sum();
    let room = 80 + parts.iter().map(|part| part.bytes.len() + 1).sum::<usize>();
    let mut out = Vec::with_capacity(room);
    match encoding {
        Encoding::MsgPack => {
            out.push(0x95); // An array of five.
            for number in [FRAME, sequence, step.0] {
                put_uint(&mut out, number);
            }
            match own {
                Some(own) => out.extend(encoding.encode(own)),
                None => out.push(0xc0),
            }
            put_array(&mut out, chunks);
            parts.iter().for_each(|part| out.extend(&part.bytes));
        }
        Encoding::Json => {
            out.extend(format!("[{FRAME},{sequence},{},", step.0).bytes());
            match own {
                Some(own) => out.extend(encoding.encode(own)),
                None => out.extend(b"null"),
            }
            out.extend(b",[");
            let filled = parts.iter().filter(|part| part.chunks > 0);
            for (at, part) in filled.enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                out.extend(&part.bytes);
            }
            out.extend(b"]]");
        }
    }
    Bytes::from(out)
}

/// MessagePack's shortest unsigned integer.
fn put_uint(out: &mut Vec<u8>, number: u64) {
    if let Ok(small) = u8::try_from(number) {
        if small >= 0x80 {
            out.push(0xcc);
        }
        out.push(small);
    } else if let Ok(short) = u16::try_from(number) {
        out.push(0xcd);
        out.extend(short.to_be_bytes());
    } else if let Ok(word) = u32::try_from(number) {
        out.push(0xce);
        out.extend(word.to_be_bytes());
    } else {
        out.push(0xcf);
        out.extend(number.to_be_bytes());
    }
}

/// MessagePack's shortest array header.
fn put_array(out: &mut Vec<u8>, length: usize) {
    if let Some(small) = u8::try_from(length).ok().filter(|small| *small < 16) {
        out.push(0x90 | small);
    } else if let Ok(short) = u16::try_from(length) {
        out.push(0xdc);
        out.extend(short.to_be_bytes());
    } else {
        out.push(0xdd);
        out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::wire::{Chunk, ServerMessage};

    fn part(encoding: Encoding, chunks: &[Chunk]) -> Part {
        let mut part = Part::default();
        for chunk in chunks {
            part.push(encoding, &encoding.encode(chunk));
        }
        part
    }

    #[test]
    fn a_header_and_shared_chunks_read_as_one_frame() {
        for encoding in [Encoding::MsgPack, Encoding::Json] {
            for count in [0_u16, 1, 14, 15, 16, 40, 70_000_u32 as u16] {
                let first: Vec<_> = (0..count)
                    .map(|h| Chunk::Left { handles: vec![h] })
                    .collect();
                let second = [Chunk::Spoken {
                    lines: vec![(3, "hé \"you\"".into())],
                }];
                for own in [
                    None,
                    Some(Own {
                        ack_seq: 70_000,
                        ..Own::default()
                    }),
                ] {
                    for sequence in [0, 127, 128, 255, 256, 65_536, 1 << 33] {
                        let parts = [
                            part(encoding, &first),
                            Part::default(),
                            part(encoding, &second),
                        ];
                        let parts: Vec<_> = parts.iter().collect();
                        let bytes = frame_message(
                            encoding,
                            sequence,
                            Step(sequence * 3),
                            own.as_ref(),
                            &parts,
                        );
                        let expected = ServerMessage::Frame {
                            sequence,
                            step: sequence * 3,
                            own,
                            chunks: first.iter().chain(&second).cloned().collect(),
                        };
                        assert_eq!(
                            encoding.decode::<ServerMessage>(&bytes).as_ref(),
                            Ok(&expected)
                        );
                        assert_eq!(bytes, encoding.encode(&expected), "the shortest form");
                    }
                }
            }
        }
    }
}
