//! Which passwords are not taken: too short, too long, known to everybody, or the name itself.
//! Otherwise people choose as they like; rules about digits make passwords worse.

use std::collections::HashSet;
use std::sync::LazyLock;

use schemas::Digest;
use schemas::locate::Locator;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// In characters.
const SHORTEST: usize = 8;
const LONGEST: usize = 128;
/// Login names within a password are looked for up to this length, in characters.
const LONGEST_NAME: usize = 32;
const SHORTEST_NAME: usize = 3;

/// What everybody tries first: one a line, in lower case, from the lists that leaks have made public.
static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("common.txt").lines();
    lines.filter(|line| !line.is_empty()).collect()
});

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// Quickly tried out.
    #[error("a password needs at least {SHORTEST} characters")]
    TooShort,
    /// Nobody types that; it would only be work for us.
    #[error("a password has at most {LONGEST} characters")]
    TooLong,
    /// Among the first that are tried.
    #[error("this password is one of those that everybody tries first; choose another")]
    Common,
    /// The first that is tried for this name.
    #[error("the password contains the login name; choose another")]
    HoldsTheName,
}

/// In normal form C, so that it is the same password on every keyboard.
pub(crate) fn normal(password: &str) -> Zeroizing<String> {
    Zeroizing::new(password.nfc().collect())
}

/// Whether a new password for the credential at `key` is taken; `password` is [`normal`]. Takes up to
/// some milliseconds: the name is known by its keyed hash only, so every part is tried.
pub(crate) fn check(password: &str, key: &str, locator: &Locator) -> Result<(), Weakness> {
    let letters: Vec<char> = password.chars().collect();
    if letters.len() < SHORTEST {
        return Err(Weakness::TooShort);
    }
    if letters.len() > LONGEST {
        return Err(Weakness::TooLong);
    }
    let lower = Zeroizing::new(password.to_lowercase());
    let digits_off = lower.trim_end_matches(|c: char| c.is_ascii_digit() || c == '!');
    if COMMON.contains(lower.as_str()) || COMMON.contains(digits_off) || is_monotonous(&letters) {
        return Err(Weakness::Common);
    }
    if key.parse().is_ok_and(|key| holds(&letters, key, locator)) {
        return Err(Weakness::HoldsTheName);
    }
    Ok(())
}

/// One or two characters over and over.
fn is_monotonous(letters: &[char]) -> bool {
    letters.iter().collect::<HashSet<_>>().len() <= 2
}

fn holds(letters: &[char], key: Digest, locator: &Locator) -> bool {
    let starts = 0..letters.len();
    starts.into_iter().any(|from| {
        let longest = (letters.len() - from).min(LONGEST_NAME);
        (SHORTEST_NAME..=longest).any(|length| {
            let part: Zeroizing<String> =
                Zeroizing::new(letters[from..from + length].iter().collect());
            locator.login_name(&part) == key
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(password: &str) -> Result<(), Weakness> {
        let locator = Locator::of_realm([7; 32]);
        let key = locator.login_name("Ann Bonny").to_string();
        check(&normal(password), &key, &locator)
    }

    #[test]
    fn what_would_be_guessed_is_not_taken() {
        for (password, weakness) in [
            ("short", Weakness::TooShort),
            ("Password", Weakness::Common),
            ("password123", Weakness::Common),
            ("iloveyou", Weakness::Common),
            ("abababababab", Weakness::Common),
            ("my name is ANN bonny!", Weakness::HoldsTheName),
        ] {
            assert_eq!(checked(password), Err(weakness), "{password}");
        }
        assert_eq!(checked(&"long ".repeat(30)), Err(Weakness::TooLong));
    }

    #[test]
    fn anything_else_is() {
        for password in [
            "correct horse battery staple",
            "ein Löffel Grütze",
            "тысяча журавлей",
        ] {
            assert_eq!(checked(password), Ok(()), "{password}");
        }
    }

    #[test]
    fn two_ways_to_write_a_letter_are_one_password() {
        assert_eq!(normal("Gru\u{0308}tze"), normal("Grütze"));
    }
}
