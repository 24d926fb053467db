//! Steps through `MessagePack` without building what is not wanted.

/// The bytes are no message of this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message of this protocol")]
pub(crate) struct Unreadable;

/// A place in a `MessagePack` text.
pub(crate) struct Reader<'a> {
    pub(crate) rest: &'a [u8],
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

    pub(crate) fn unsigned(&mut self) -> Result<u64, Unreadable> {
        match self.byte()? {
            small @ 0..=0x7f => Ok(u64::from(small)),
            0xcc => self.number(1),
            0xcd => self.number(2),
            0xce => self.number(4),
            0xcf => self.number(8),
            _ => Err(Unreadable),
        }
    }

    /// Any integer that fits 64 bits with a sign.
    pub(crate) fn signed(&mut self) -> Result<i64, Unreadable> {
        let sign = |value: u64, width: u32| {
            let unused = 64 - 8 * width;
            (value << unused).cast_signed() >> unused
        };
        match self.rest.first() {
            Some(&small @ 0xe0..) => {
                self.pass(1)?;
                Ok(i64::from(small.cast_signed()))
            }
            Some(&marker @ 0xd0..=0xd3) => {
                self.pass(1)?;
                let width = 1 << (marker - 0xd0);
                Ok(sign(self.number(width)?, 1 << (marker - 0xd0)))
            }
            _ => i64::try_from(self.unsigned()?).map_err(|_| Unreadable),
        }
    }

    /// An integer of a narrower type.
    pub(crate) fn small<T: TryFrom<u64>>(&mut self) -> Result<T, Unreadable> {
        T::try_from(self.unsigned()?).map_err(|_| Unreadable)
    }

    pub(crate) fn optional_array(&mut self) -> Result<Option<u64>, Unreadable> {
        if self.rest.first() == Some(&0xc0) {
            self.pass(1)?;
            return Ok(None);
        }
        self.array().map(Some)
    }

    pub(crate) fn array(&mut self) -> Result<u64, Unreadable> {
        match self.byte()? {
            short @ 0x90..=0x9f => Ok(u64::from(short & 0x0f)),
            0xdc => self.number(2),
            0xdd => self.number(4),
            _ => Err(Unreadable),
        }
    }

    /// Steps over `values` values, whatever they are and however deep.
    pub(crate) fn skip(&mut self, values: u64) -> Result<(), Unreadable> {
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
    use schemas::wire::Encoding;

    use super::*;

    #[test]
    fn integers_of_every_width_and_sign_read_back() {
        let mut all = vec![0, i64::MIN, i64::MAX];
        for shift in 0..63 {
            let edge = 1_i64 << shift;
            all.extend([edge, edge - 1, -edge, -edge - 1]);
        }
        let bytes = Encoding::MsgPack.encode(&all);
        let mut reader = Reader { rest: &bytes };
        assert_eq!(reader.array(), Ok(all.len() as u64));
        for value in all {
            assert_eq!(reader.signed(), Ok(value));
        }
        assert_eq!(reader.signed(), Err(Unreadable));
    }
}
