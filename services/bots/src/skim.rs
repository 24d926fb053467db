//! Reads of a frame only what a bot needs: the own acknowledgement, who came into view and who went.
//!
//! Frames are nearly all that a client receives, and decoding them in full would make the generator of the load its
//! largest consumer. Everything that is not needed is stepped over without being built.

use schemas::Handle;

use crate::neighbours::Neighbours;

/// The bytes are no message of this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message of this protocol")]
pub(crate) struct Unreadable;

/// The op that a message opens with.
pub(crate) fn op(message: &[u8]) -> Result<u64, Unreadable> {
    let mut reader = Reader { rest: message };
    reader.array()?;
    reader.unsigned()
}

/// Reads a `Frame`; returns the own acknowledgement, if it has one.
pub(crate) fn frame(
    message: &[u8],
    neighbours: &mut Neighbours,
) -> Result<Option<u32>, Unreadable> {
    let mut reader = Reader { rest: message };
    if reader.array()? < 5 {
        return Err(Unreadable);
    }
    // Op, sequence, step.
    reader.skip(3)?;
    let acknowledged = match reader.optional_array()? {
        None => None,
        Some(0) => return Err(Unreadable),
        Some(fields) => {
            let seq = reader.unsigned()?;
            reader.skip(fields - 1)?;
            Some(u32::try_from(seq).map_err(|_| Unreadable)?)
        }
    };
    for _ in 0..reader.array()? {
        chunk(&mut reader, neighbours)?;
    }
    Ok(acknowledged)
}

fn chunk(reader: &mut Reader<'_>, neighbours: &mut Neighbours) -> Result<(), Unreadable> {
    let fields = reader.array()?;
    if fields < 2 {
        return Err(Unreadable);
    }
    match reader.unsigned()? {
        1 => {
            for _ in 0..reader.array()? {
                let parts = reader.array()?;
                neighbours.entered(reader.handle()?);
                reader.skip(parts.saturating_sub(1))?;
            }
            reader.skip(fields - 2)
        }
        2 => {
            for _ in 0..reader.array()? {
                neighbours.left(reader.handle()?);
            }
            reader.skip(fields - 2)
        }
        _ => reader.skip(fields - 1),
    }
}

/// A place in a `MessagePack` text.
struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, Unreadable> {
        let (&first, rest) = self.rest.split_first().ok_or(Unreadable)?;
        self.rest = rest;
        Ok(first)
    }

    /// A big-endian number of `width` bytes.
    fn number(&mut self, width: usize) -> Result<u64, Unreadable> {
        let (bytes, rest) = self.rest.split_at_checked(width).ok_or(Unreadable)?;
        self.rest = rest;
        Ok(bytes
            .iter()
            .fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }

    fn pass(&mut self, bytes: u64) -> Result<(), Unreadable> {
        let bytes = usize::try_from(bytes).map_err(|_| Unreadable)?;
        self.rest = self.rest.get(bytes..).ok_or(Unreadable)?;
        Ok(())
    }

    fn unsigned(&mut self) -> Result<u64, Unreadable> {
        match self.byte()? {
            small @ 0..=0x7f => Ok(u64::from(small)),
            0xcc => self.number(1),
            0xcd => self.number(2),
            0xce => self.number(4),
            0xcf => self.number(8),
            _ => Err(Unreadable),
        }
    }

    fn handle(&mut self) -> Result<Handle, Unreadable> {
        Handle::try_from(self.unsigned()?).map_err(|_| Unreadable)
    }

    fn optional_array(&mut self) -> Result<Option<u64>, Unreadable> {
        if self.rest.first() == Some(&0xc0) {
            self.pass(1)?;
            return Ok(None);
        }
        self.array().map(Some)
    }

    fn array(&mut self) -> Result<u64, Unreadable> {
        match self.byte()? {
            short @ 0x90..=0x9f => Ok(u64::from(short & 0x0f)),
            0xdc => self.number(2),
            0xdd => self.number(4),
            _ => Err(Unreadable),
        }
    }

    /// Steps over `values` values, whatever they are and however deep.
    fn skip(&mut self, values: u64) -> Result<(), Unreadable> {
        let mut left = values;
        while left > 0 {
            left -= 1;
            let inner = match self.byte()? {
                0..=0x7f | 0xc0..=0xc3 | 0xe0..=0xff => 0,
                map @ 0x80..=0x8f => 2 * u64::from(map & 0x0f),
                array @ 0x90..=0x9f => u64::from(array & 0x0f),
                text @ 0xa0..=0xbf => {
                    self.pass(u64::from(text & 0x1f))?;
                    0
                }
                width @ (0xc4..=0xc6 | 0xd9..=0xdb) => {
                    let first = if width < 0xd0 { 0xc4 } else { 0xd9 };
                    let length = self.number(1 << (width - first))?;
                    self.pass(length)?;
                    0
                }
                width @ 0xc7..=0xc9 => {
                    let length = self.number(1 << (width - 0xc7))?;
                    self.pass(length + 1)?;
                    0
                }
                0xca => self.pass(4).map(|()| 0)?,
                0xcb => self.pass(8).map(|()| 0)?,
                width @ 0xcc..=0xcf => self.pass(1 << (width - 0xcc)).map(|()| 0)?,
                width @ 0xd0..=0xd3 => self.pass(1 << (width - 0xd0)).map(|()| 0)?,
                width @ 0xd4..=0xd8 => self.pass((1 << (width - 0xd4)) + 1).map(|()| 0)?,
                0xdc => self.number(2)?,
                0xdd => self.number(4)?,
                0xde => 2 * self.number(2)?,
                0xdf => 2 * self.number(4)?,
            };
            left = left.checked_add(inner).ok_or(Unreadable)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use schemas::wire::{Body, Chunk, Encoding, Own, ServerMessage};

    use super::*;

    fn sample() -> Vec<u8> {
        let body = |handle| Body {
            handle,
            character: "x".repeat(40),
            name: "a name of some length, longer than a short text may be".into(),
            motion: vec![-1, 1 << 40, -70_000, 300, -200, 0],
        };
        Encoding::MsgPack.encode(&ServerMessage::Frame {
            sequence: 1 << 40,
            step: 77_000,
            own: Some(Own {
                ack_seq: 70_000,
                applied_step: 9,
                ..Own::default()
            }),
            chunks: vec![
                Chunk::Moved {
                    motion: (-40_000..40_000).step_by(99).collect(),
                },
                Chunk::Entered {
                    bodies: vec![body(3), body(900), body(7)],
                },
                Chunk::Spoken {
                    lines: vec![(3, "hello".repeat(100))],
                },
                Chunk::Left {
                    handles: vec![900, 12],
                },
            ],
        })
    }

    #[test]
    fn a_frame_tells_its_acknowledgement_and_who_is_in_view() {
        let mut neighbours = Neighbours::default();
        neighbours.start_over(7);
        neighbours.entered(40);
        assert_eq!(op(&sample()), Ok(3));
        assert_eq!(frame(&sample(), &mut neighbours), Ok(Some(70_000)));
        assert_eq!(neighbours.count(), 2, "3 and 40; 7 is the bot itself");
    }

    #[test]
    fn a_frame_without_own_has_no_acknowledgement() {
        let bytes = Encoding::MsgPack.encode(&ServerMessage::Frame {
            sequence: 1,
            step: 2,
            own: None,
            chunks: vec![],
        });
        assert_eq!(frame(&bytes, &mut Neighbours::default()), Ok(None));
    }

    #[test]
    fn a_cut_frame_is_an_error_wherever_it_is_cut() {
        let whole = sample();
        for cut in 0..whole.len() {
            assert_eq!(
                frame(&whole[..cut], &mut Neighbours::default()),
                Err(Unreadable)
            );
        }
    }
}
