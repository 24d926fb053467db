//! Reads of a frame only what a bot needs: what concerns its own body, who came into view and who went.
//!
//! Frames are nearly all that a client receives, and decoding them in full would make the generator of the load its
//! largest consumer. Everything that is not needed is stepped over without being built.

use crate::neighbours::Neighbours;
use crate::own_body::{OwnBody, OwnState};
use crate::reader::{Reader, Unreadable};

/// The most integers that one record of packed motion has.
const LONGEST_RECORD: usize = 16;

/// The op that a message opens with.
pub(crate) fn op(message: &[u8]) -> Result<u64, Unreadable> {
    let mut reader = Reader { rest: message };
    reader.array()?;
    reader.unsigned()
}

/// Reads a `Frame` into what is known; returns the own acknowledgement, if it has one.
pub(crate) fn frame(
    message: &[u8],
    neighbours: &mut Neighbours,
    body: &mut OwnBody,
) -> Result<Option<u32>, Unreadable> {
    let mut reader = Reader { rest: message };
    if reader.array()? < 5 {
        return Err(Unreadable);
    }
    reader.skip(1)?;
    let (sequence, step) = (reader.unsigned()?, reader.unsigned()?);
    let own = match reader.optional_array()? {
        None => None,
        Some(fields) => Some(own(&mut reader, fields)?),
    };
    for _ in 0..reader.array()? {
        chunk(&mut reader, neighbours, body, step)?;
    }
    body.now(sequence, step, own);
    Ok(own.map(|own| own.ack_seq))
}

fn own(reader: &mut Reader<'_>, fields: u64) -> Result<OwnState, Unreadable> {
    let others = fields.checked_sub(4).ok_or(Unreadable)?;
    let own = OwnState {
        ack_seq: reader.small()?,
        applied_step: reader.unsigned()?,
        mode: reader.small()?,
        bits: reader.small()?,
    };
    reader.skip(others)?;
    Ok(own)
}

fn chunk(
    reader: &mut Reader<'_>,
    neighbours: &mut Neighbours,
    body: &mut OwnBody,
    base: u64,
) -> Result<(), Unreadable> {
    let fields = reader.array()?;
    if fields < 2 {
        return Err(Unreadable);
    }
    match reader.unsigned()? {
        0 => moved(reader, body, base)?,
        1 => {
            for _ in 0..reader.array()? {
                entered(reader, neighbours, body, base)?;
            }
        }
        2 => {
            for _ in 0..reader.array()? {
                neighbours.left(reader.small()?);
            }
        }
        _ => reader.skip(1)?,
    }
    reader.skip(fields - 2)
}

fn entered(
    reader: &mut Reader<'_>,
    neighbours: &mut Neighbours,
    body: &mut OwnBody,
    base: u64,
) -> Result<(), Unreadable> {
    let parts = reader.array()?;
    let handle = reader.small()?;
    neighbours.entered(handle);
    if !body.is(handle) || parts < 4 {
        return reader.skip(parts.saturating_sub(1));
    }
    // Character and name.
    reader.skip(2)?;
    moved(reader, body, base)?;
    reader.skip(parts - 4)
}

/// Packed motion: the own body's records are taken, all others stepped over.
fn moved(reader: &mut Reader<'_>, body: &mut OwnBody, base: u64) -> Result<(), Unreadable> {
    let mut left = reader.array()?;
    while left > 0 {
        let mut record = [0; LONGEST_RECORD];
        record[0] = reader.signed()?;
        record[1] = reader.signed()?;
        let length = 4 + u64::from(record[1].count_ones());
        left = left.checked_sub(length).ok_or(Unreadable)?;
        let is_own = u16::try_from(record[0]).is_ok_and(|handle| body.is(handle));
        if !is_own {
            reader.skip(length - 2)?;
            continue;
        }
        let length = usize::try_from(length).map_err(|_| Unreadable)?;
        let record = record.get_mut(..length).ok_or(Unreadable)?;
        for value in &mut record[2..] {
            *value = reader.signed()?;
        }
        body.moved(base, record);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use schemas::motion::Motion;
    use schemas::segment::Segment;
    use schemas::wire::{Body, Chunk, Encoding, Own, ServerMessage};
    use schemas::{Handle, Step};

    use super::*;
    use crate::own_body::LastSeen;

    const BASE: Step = Step(77_000);

    fn at(x: i32) -> Segment {
        Segment {
            from: Step(76_990),
            x,
            y: -90_000,
            vx: -300,
            until: Step(90_000),
            ..Segment::default()
        }
    }

    fn body(handle: Handle, x: i32) -> Body {
        let mut motion = Motion::default();
        motion.push_full(BASE, handle, &at(x));
        Body {
            handle,
            character: "x".repeat(40),
            name: "a name of some length, longer than a short text may be".into(),
            motion: motion.0,
        }
    }

    /// Others move in it, the bot (7) too, once, and comes into view of itself again.
    fn sample(own_again: bool) -> Vec<u8> {
        let mut motion = Motion::default();
        for (handle, x) in [(3, 1), (40, 1 << 30), (7, 70_000), (900, -5)] {
            motion.push_full(BASE, handle, &at(x));
        }
        let mut entering = vec![body(3, 0), body(900, 0)];
        if own_again {
            entering.push(body(7, 12_345));
        }
        Encoding::MsgPack.encode(&ServerMessage::Frame {
            sequence: 1 << 40,
            step: BASE.0,
            own: Some(Own {
                ack_seq: 70_000,
                applied_step: 9,
                bits: 17,
                ..Own::default()
            }),
            chunks: vec![
                Chunk::Moved { motion: motion.0 },
                Chunk::Entered { bodies: entering },
                Chunk::Spoken {
                    lines: vec![(3, "hello".repeat(100))],
                },
                Chunk::Left {
                    handles: vec![900, 12],
                },
            ],
        })
    }

    fn seven() -> (Neighbours, OwnBody) {
        let (mut neighbours, mut own) = (Neighbours::default(), OwnBody::default());
        neighbours.start_over(7);
        neighbours.entered(40);
        own.start_over(7, 1, 2, Own::default());
        (neighbours, own)
    }

    #[test]
    fn a_frame_tells_the_own_state_and_who_is_in_view() {
        for (own_again, x) in [(false, 70_000), (true, 12_345)] {
            let (mut neighbours, mut own) = seven();
            let bytes = sample(own_again);
            assert_eq!(op(&bytes), Ok(3));
            assert_eq!(frame(&bytes, &mut neighbours, &mut own), Ok(Some(70_000)));
            assert_eq!(neighbours.count(), 2, "3 and 40; 7 is the bot itself");
            let mut seen = LastSeen::default();
            assert!(own.tell(&mut seen));
            assert_eq!((seen.sequence, seen.step), (1 << 40, BASE.0));
            assert_eq!(
                (seen.ack_seq, seen.applied_step, seen.bits),
                (70_000, 9, 17)
            );
            assert_eq!((seen.x, seen.y), at(x).position(BASE.next()));
        }
    }

    #[test]
    fn a_frame_without_own_has_no_acknowledgement() {
        let bytes = Encoding::MsgPack.encode(&ServerMessage::Frame {
            sequence: 1,
            step: 2,
            own: None,
            chunks: vec![],
        });
        let (mut neighbours, mut own) = seven();
        assert_eq!(frame(&bytes, &mut neighbours, &mut own), Ok(None));
    }

    #[test]
    fn a_cut_frame_is_an_error_wherever_it_is_cut() {
        let whole = sample(true);
        for cut in 0..whole.len() {
            let (mut neighbours, mut own) = seven();
            assert_eq!(
                frame(&whole[..cut], &mut neighbours, &mut own),
                Err(Unreadable)
            );
        }
    }
}
