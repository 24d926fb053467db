//! How a connection ends.

use std::borrow::Cow;

use schemas::wire::CloseCode;

/// Why a connection is over.
#[derive(Debug)]
pub(super) enum End {
    /// This side closes it.
    Close(CloseCode, Cow<'static, str>),
    /// The other side has gone, or the network has.
    Gone,
}

impl End {
    pub(super) fn close(code: CloseCode, why: impl Into<Cow<'static, str>>) -> Self {
        Self::Close(code, why.into())
    }
}

/// The longest reason that fits a close frame, bytes.
const LONGEST: usize = 123;

/// `why`, cut to what a close frame can hold.
pub(super) fn fitting(why: &str) -> &str {
    let end = why.floor_char_boundary(LONGEST);
    &why[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        assert_eq!(fitting("short"), "short");
        assert_eq!(fitting(&"é".repeat(100)).len(), 122);
    }
}
