//! What people may call themselves and say.

use schemas::wire::{MAX_NAME_CHARS, MAX_TEXT_CHARS};

/// Why a name or a line is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TextError {
    /// Nothing is left when the blanks around it are gone.
    #[error("it is empty")]
    Empty,
    /// Longer than allowed.
    #[error("it is longer than {0} characters")]
    TooLong(usize),
    /// It holds characters that steer a terminal or a text's direction instead of being seen.
    #[error("it holds control characters")]
    Control,
}

impl TextError {
    /// The label of `worldline_edge_refused_total`.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Empty => "text_empty",
            Self::TooLong(_) => "text_too_long",
            Self::Control => "text_control",
        }
    }
}

/// A name, trimmed: 1 to 24 characters.
pub(crate) fn name(text: &str) -> Result<&str, TextError> {
    check(text, MAX_NAME_CHARS)
}

/// A spoken line, trimmed: 1 to 400 characters.
pub(crate) fn line(text: &str) -> Result<&str, TextError> {
    check(text, MAX_TEXT_CHARS)
}

fn check(text: &str, longest: usize) -> Result<&str, TextError> {
    let text = text.trim();
    // A text of four bytes a character is counted; anything longer is not even looked at.
    if text.len() > longest * 4 || text.chars().count() > longest {
        Err(TextError::TooLong(longest))
    } else if text.is_empty() {
        Err(TextError::Empty)
    } else if text.chars().any(steers) {
        Err(TextError::Control)
    } else {
        Ok(text)
    }
}

/// Control characters, line separators, and those that turn the direction of what follows.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_measured_in_characters() {
        assert_eq!(name("  Ann of Ávila "), Ok("Ann of Ávila"));
        assert_eq!(name(&"é".repeat(24)), Ok("é".repeat(24).as_str()));
        assert_eq!(name(&"é".repeat(25)), Err(TextError::TooLong(24)));
        assert_eq!(name(&"x".repeat(1 << 20)), Err(TextError::TooLong(24)));
        assert_eq!(name(" \t "), Err(TextError::Empty));
    }

    #[test]
    fn what_steers_a_screen_is_no_text() {
        for bad in [
            "a\nb",
            "a\0b",
            "\u{1b}[31mred",
            "a\u{202e}b",
            "a\u{2028}b",
            "\u{7f}x",
        ] {
            assert_eq!(line(bad), Err(TextError::Control), "{bad:?}");
        }
        assert_eq!(line(&"ab".repeat(200)).map(str::len), Ok(400));
        assert_eq!(line(&"ab".repeat(201)), Err(TextError::TooLong(400)));
    }
}
