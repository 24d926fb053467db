//! What bots call themselves: names that nobody has, in a world that remembers those of every
//! earlier run.

use crate::http::{Address, HttpError};
use crate::login::{self, Guest};

/// Letters that no two of look alike, and of which no word is made.
const LETTERS: &[u8; 16] = b"bcdfghjkmnpqrtwz";
/// Sixteen to the sixth are many, and whoever meets a namesake draws again.
const LENGTH: u32 = 6;
/// Draws at most.
const TRIES: u32 = 5;

/// Six letters, drawn.
pub(crate) fn draw() -> String {
    let drawn: u64 = rand::random();
    let letter = |at: u32| LETTERS[(drawn >> (at * 4)) as usize % LETTERS.len()];
    (0..LENGTH).map(|at| char::from(letter(at))).collect()
}

/// Becomes a guest under a name of this run: `Bot <label> <number>`.
///
/// # Errors
/// See [`HttpError`].
pub(crate) async fn new_guest(
    server: &Address,
    label: &str,
    number: u32,
) -> Result<Guest, HttpError> {
    let mut label = label.to_owned();
    let mut tries = 1;
    loop {
        let name = format!("Bot {label} {number}");
        match login::new_guest(server, &name).await {
            Err(HttpError::Refused { code, .. }) if code == "name_taken" && tries < TRIES => {
                tries += 1;
                label = draw();
            }
            answered => return answered,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_fit() {
        let (one, other) = (draw(), draw());
        assert_ne!(one, other);
        assert_eq!(one.len(), 6);
        assert!(one.bytes().all(|letter| LETTERS.contains(&letter)));
        assert!(format!("Bot {one} {}", u32::MAX).chars().count() <= 24);
    }
}
