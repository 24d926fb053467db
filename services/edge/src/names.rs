//! What people may call themselves when they log in, and what they may say. (Characters' names have
//! rules of their own.)

use schemas::wire::MAX_TEXT_CHARS;

/// The shortest login name, characters.
const SHORTEST_LOGIN_NAME: usize = 3;
/// The longest login name, characters.
const LONGEST_LOGIN_NAME: usize = 64;

/// Why a name or a line is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TextError {
    /// Nothing is left when the blanks around it are gone.
    #[error("it is empty")]
    Empty,
    /// Too short to be told from others.
    #[error("it is shorter than {0} characters")]
    TooShort(usize),
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
            Self::TooShort(_) => "text_too_short",
            Self::TooLong(_) => "text_too_long",
            Self::Control => "text_control",
        }
    }
}

/// A login name, trimmed: 3 to 64 characters, long enough for an address of e-mail.
pub(crate) fn login_name(text: &str) -> Result<&str, TextError> {
    let name = check(text, LONGEST_LOGIN_NAME)?;
    if name.chars().count() < SHORTEST_LOGIN_NAME {
        return Err(TextError::TooShort(SHORTEST_LOGIN_NAME));
    }
    Ok(name)
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
    fn login_names_are_trimmed_and_measured_in_characters() {
        assert_eq!(login_name("  Ann of Ávila "), Ok("Ann of Ávila"));
        assert_eq!(login_name(&"é".repeat(64)), Ok("é".repeat(64).as_str()));
        assert_eq!(
            login_name(&"x".repeat(1 << 20)),
            Err(TextError::TooLong(64))
        );
        assert_eq!(login_name(" \t "), Err(TextError::Empty));
        assert_eq!(login_name(" ann "), Ok("ann"));
        assert_eq!(login_name("an"), Err(TextError::TooShort(3)));
        assert_eq!(login_name(&"x".repeat(65)), Err(TextError::TooLong(64)));
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
