//! What a character may be called.
//!
//! A name is up to 24 letters of one script, with digits, single blanks, apostrophes and hyphens
//! between them. Names that look alike are one name: where a name is reserved is found by its
//! **skeleton** (Unicode TS 39), in which what looks the same is the same.

use schemas::Digest;
use schemas::locate::Locator;
use schemas::wire::MAX_NAME_CHARS;
use unicode_normalization::UnicodeNormalization;
use unicode_security::confusable_detection::skeleton;
use unicode_security::{GeneralSecurityProfile, MixedScript};

/// A name needs so many letters to be told from a number.
const FEWEST_LETTERS: usize = 2;

/// Nobody is called so, in whole or by one of the words: it would lend an authority.
const RESERVED: [&str; 22] = [
    "admin",
    "administrator",
    "anonymous",
    "everyone",
    "gamemaster",
    "gm",
    "mod",
    "moderator",
    "nobody",
    "null",
    "official",
    "operator",
    "owner",
    "root",
    "server",
    "staff",
    "superuser",
    "support",
    "sysop",
    "system",
    "undefined",
    "worldline",
];

/// Which rule a name breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    /// Longer than allowed.
    #[error("it is longer than {MAX_NAME_CHARS} characters")]
    TooLong,
    /// Too few letters.
    #[error("it needs at least {FEWEST_LETTERS} letters")]
    TooShort,
    /// Something else than letters, digits, blanks, apostrophes and hyphens.
    #[error("only letters, digits, blanks, apostrophes and hyphens may be in it")]
    Characters,
    /// It begins with something else than a letter, or ends with a sign, or has two in a row.
    #[error("it must begin with a letter, and between two signs there must be a letter or digit")]
    Form,
    /// Letters of more than one script.
    #[error("its letters are of more than one script")]
    Scripts,
    /// A word that nobody is called.
    #[error("it holds a word that nobody may be called")]
    Reserved,
}

impl NameError {
    /// Its stable name for programs.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Reserved => "reserved_name",
            _ => "bad_name",
        }
    }
}

/// A name as it is written down and shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CharacterName(String);

impl CharacterName {
    /// Checks a name as somebody has typed it; blanks around it and doubled ones are forgiven.
    ///
    /// # Errors
    /// When it breaks a rule.
    pub(crate) fn typed(text: &str) -> Result<Self, NameError> {
        // What is far too long is not even looked at.
        if text.len() > MAX_NAME_CHARS * 16 {
            return Err(NameError::TooLong);
        }
        let name = Self::given(text);
        check(&name.0).map(|()| name)
    }

    /// One that somebody has already.
    pub(crate) fn given(text: &str) -> Self {
        let words: Vec<String> = text
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(|word| word.nfc().collect())
            .collect();
        Self(words.join(" "))
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Where it is reserved, with all that look like it.
    pub(crate) fn place(&self, locator: &Locator) -> Digest {
        locator.character_name(&looks(&self.0))
    }
}

fn check(name: &str) -> Result<(), NameError> {
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    if name.chars().count() > MAX_NAME_CHARS {
        Err(NameError::TooLong)
    } else if !name.chars().all(may_be_in_it) {
        Err(NameError::Characters)
    } else if letters < FEWEST_LETTERS {
        Err(NameError::TooShort)
    } else if !is_formed(name) {
        Err(NameError::Form)
    } else if !name.is_single_script() {
        Err(NameError::Scripts)
    } else if is_reserved(name) {
        Err(NameError::Reserved)
    } else {
        Ok(())
    }
}

/// Letters and their marks that are in use today, digits, and the signs between them.
fn may_be_in_it(c: char) -> bool {
    is_sign(c) || (c.is_alphanumeric() || is_mark(c)) && c.identifier_allowed()
}

const fn is_sign(c: char) -> bool {
    matches!(c, ' ' | '\'' | '\u{2019}' | '-')
}

/// What stands on a letter and could not be composed with it.
fn is_mark(c: char) -> bool {
    unicode_normalization::char::is_combining_mark(c)
}

fn is_formed(name: &str) -> bool {
    let two_in_a_row = name.chars().zip(name.chars().skip(1));
    name.starts_with(char::is_alphabetic)
        && !name.ends_with(is_sign)
        && !two_in_a_row
            .into_iter()
            .any(|(a, b)| is_sign(a) && is_sign(b))
}

fn is_reserved(name: &str) -> bool {
    let reserved = |text: &str| RESERVED.iter().any(|word| looks(word) == looks(text));
    let whole: String = name.chars().filter(|c| !is_sign(*c)).collect();
    reserved(&whole) || name.split(is_sign).any(reserved)
}

/// What is the same for names that look alike.
fn looks(name: &str) -> String {
    let same: String = skeleton(&name.to_lowercase()).collect();
    // A zero looks like a capital O.
    same.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_many_tongues_are_taken_as_they_are_written() {
        for name in [
            "Ann",
            "Bo",
            "Bot e2b6 4",
            "Ann of Ávila",
            "O'Neill",
            "Jean-Luc",
            "Ольга",
            "Σοφία",
            "李小龍",
            "さくら",
            "김민수",
            "नेहा",
            "ليلى",
            "Ann2",
            "Twice",
        ] {
            let typed = CharacterName::typed(name).map(|name| name.0);
            assert_eq!(typed.as_deref(), Ok(name));
        }
        let spaced = CharacterName::typed("  Ann   of A\u{301}vila ");
        assert_eq!(spaced.unwrap().as_str(), "Ann of Ávila");
    }

    #[test]
    fn each_rule_has_its_word() {
        let long = "x".repeat(25);
        let endless = "x".repeat(1 << 20);
        let cases = [
            ("", NameError::TooShort),
            ("A", NameError::TooShort),
            ("A1", NameError::TooShort),
            ("1234", NameError::TooShort),
            (&long, NameError::TooLong),
            (&endless, NameError::TooLong),
            ("a\nb", NameError::Characters),
            ("a\0b", NameError::Characters),
            ("Ann\u{202e}", NameError::Characters),
            ("Ann\u{200b}a", NameError::Characters),
            ("Ann!", NameError::Characters),
            ("💀Ann", NameError::Characters),
            ("𝔸nn", NameError::Characters),
            ("1Ann", NameError::Form),
            ("-Ann", NameError::Form),
            ("Ann-", NameError::Form),
            ("Ann--Lee", NameError::Form),
            ("Ann 'x", NameError::Form),
            ("Аnn", NameError::Scripts),
            ("Annα", NameError::Scripts),
            ("admin", NameError::Reserved),
            ("GM Bob", NameError::Reserved),
            ("Sys-Tem", NameError::Reserved),
            ("W0rldline", NameError::Reserved),
        ];
        for (text, why) in cases {
            assert_eq!(CharacterName::typed(text), Err(why), "{text:.40?}");
        }
        assert_eq!(NameError::Reserved.code(), "reserved_name");
        assert_eq!(NameError::Scripts.code(), "bad_name");
        // A word within another is no word.
        for fine in ["Adminah", "Modesty", "Rooty"] {
            assert!(CharacterName::typed(fine).is_ok(), "{fine}");
        }
    }

    #[test]
    fn names_that_look_alike_are_one() {
        let locator = Locator::of_realm([7; 32]);
        let place = |name: &str| CharacterName::given(name).place(&locator);
        assert_eq!(place("Ann"), place("ANN"));
        assert_eq!(place("Сара"), place("сара"));
        assert_eq!(place("Al1ce"), place("Allce"));
        assert_eq!(place("сосо"), place("coco"), "Cyrillic and Latin");
        assert_ne!(place("Ann"), place("Anna"));
        assert_ne!(place("Bot e2b6 4"), place("Bot e2b6 5"));
    }
}
