//! Pseudonyms: a keyed hash in the place of each id that stands for a person.
//!
//! The same person has the same pseudonym in all exports made with one key, so rows can be joined; without the key
//! nobody can tell whose it is, nor try ids until one fits. Whoever holds the key and an id can.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, Generate, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use past::event::{People, PersonalId};
use sha2::Sha256;

/// So many pseudonyms are remembered of each kind, about 100 bytes each, before they are forgotten and made anew.
const REMEMBERED: usize = 200_000;

/// The secret under which pseudonyms are made: 32 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct PseudonymKey([u8; 32]);

/// Why there is no key: name another file.
#[derive(Debug, thiserror::Error)]
pub enum PseudonymKeyError {
    /// The file cannot be read.
    #[error("the key of the pseudonyms cannot be read from {}: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It holds something else.
    #[error("{} is no key of pseudonyms: it must hold 64 hexadecimal digits", .0.display())]
    NoKey(PathBuf),
}

impl PseudonymKey {
    /// The key that these 32 secret bytes are.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The realm's own, derived from the bytes of the realm's key.
    #[must_use]
    pub fn of_realm(realm_key: [u8; 32]) -> Self {
        Self(keyed(&realm_key, &[b"worldline pseudonyms 1"]))
    }

    /// Reads it from a file of 64 hexadecimal digits.
    ///
    /// # Errors
    /// See [`PseudonymKeyError`].
    pub fn load(path: &Path) -> Result<Self, PseudonymKeyError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| PseudonymKeyError::Unreadable {
                path: path.to_owned(),
                source,
            })?;
        parse(text.trim())
            .map(Self)
            .ok_or_else(|| PseudonymKeyError::NoKey(path.to_owned()))
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey([redacted])")
    }
}

fn parse(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// HMAC-SHA-256 of the parts, told apart by their lengths.
fn keyed(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // A key shorter than a block is filled up with zeros (RFC 2104).
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Length of a nonce in front of what is sealed, bytes.
const NONCE: usize = 24;

/// Keeps to itself what an export remembers of people in order to go on: whoever is given the directory must not find
/// their ids there.
pub(super) struct Keeper(XChaCha20Poly1305);

impl Keeper {
    pub(super) fn new(key: &PseudonymKey) -> Self {
        let bytes = keyed(&key.0, &[b"state"]);
        Self(XChaCha20Poly1305::new(&bytes.into()))
    }

    /// Unreadable without the key. `None`: it is longer than can be sealed, 256 GiB.
    pub(super) fn seal(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let nonce = XNonce::generate();
        let sealed = self.0.encrypt(&nonce, bytes).ok()?;
        Some([nonce.as_slice(), &sealed].concat())
    }

    /// What was sealed; `None`: it is not that, or was changed.
    pub(super) fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, bytes) = sealed.split_at_checked(NONCE)?;
        let nonce = <[u8; NONCE]>::try_from(nonce).ok()?;
        self.0.decrypt(&XNonce::from(nonce), bytes).ok()
    }
}

/// Writes pseudonyms: the first 128 bits of the keyed hash, as 32 hexadecimal digits.
pub(super) struct Pseudonyms {
    key: [u8; 32],
    known: [HashMap<Box<str>, [u8; 32]>; 4],
}

impl Pseudonyms {
    pub(super) fn new(key: &PseudonymKey) -> Self {
        Self {
            key: key.0,
            known: Default::default(),
        }
    }

    /// Tells this key from others, and nothing of it.
    pub(super) fn fingerprint(&self) -> String {
        let digest = keyed(&self.key, &[b"fingerprint"]);
        let text = String::from_utf8_lossy(&hexadecimal(&digest)).into_owned();
        format!("pseudonyms {}", &text[..16])
    }

    fn make(&self, kind: PersonalId, id: &str) -> [u8; 32] {
        let kind: &[u8] = match kind {
            PersonalId::Character => b"character",
            PersonalId::Account => b"account",
            PersonalId::Login => b"login",
            PersonalId::Digest => b"digest",
        };
        hexadecimal(&keyed(&self.key, &[kind, id.as_bytes()]))
    }
}

fn hexadecimal(digest: &[u8; 32]) -> [u8; 32] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(digest) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

impl People for Pseudonyms {
    fn write(&mut self, kind: PersonalId, id: &str, out: &mut Vec<u8>) {
        // Zeros stand for nobody: a character without a party.
        if id.bytes().all(|digit| digit == b'0') {
            out.extend_from_slice(id.as_bytes());
            return;
        }
        let place = kind as usize;
        if let Some(known) = self.known[place].get(id) {
            out.extend_from_slice(known);
            return;
        }
        let new = self.make(kind, id);
        let known = &mut self.known[place];
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(id.into(), new);
        out.extend_from_slice(&new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(key: u8, kind: PersonalId, id: &str) -> String {
        let mut out = Vec::new();
        Pseudonyms::new(&PseudonymKey::from_bytes([key; 32])).write(kind, id, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_person_has_one_pseudonym_under_a_key_and_another_under_another() {
        let ann = "000000000001a";
        let pseudonym = written(7, PersonalId::Character, ann);
        assert_eq!(pseudonym.len(), 32);
        assert_eq!(pseudonym, written(7, PersonalId::Character, ann));
        assert_ne!(pseudonym, written(8, PersonalId::Character, ann));
        assert_ne!(pseudonym, written(7, PersonalId::Account, ann));
        assert_ne!(
            pseudonym,
            written(7, PersonalId::Character, "000000000001b")
        );
    }

    #[test]
    fn it_is_the_keyed_hash_that_the_dictionary_tells() {
        // hmac.new(bytes([7] * 32), b"\0" * 7 + b"\x09character" + b"\0" * 7 + b"\x0d000000000001a", "sha256")
        assert_eq!(
            written(7, PersonalId::Character, "000000000001a"),
            "1c88e0aa99ba1658303877af507809ba"
        );
    }

    #[test]
    fn what_is_kept_opens_with_the_same_key_only() {
        let keeper = |key| Keeper::new(&PseudonymKey::from_bytes([key; 32]));
        let sealed = keeper(7).seal(b"Ann is body 3").unwrap();
        assert!(!sealed.windows(3).any(|three| three == b"Ann"));
        assert_eq!(
            keeper(7).open(&sealed).as_deref(),
            Some(&b"Ann is body 3"[..])
        );
        assert_eq!(keeper(8).open(&sealed), None);
        assert_eq!(keeper(7).open(&sealed[..20]), None);
    }

    #[test]
    fn nobody_stays_nobody() {
        assert_eq!(
            written(7, PersonalId::Character, "0000000000000"),
            "0000000000000"
        );
    }

    #[test]
    fn a_key_is_64_digits_in_a_file() {
        assert_eq!(parse(&"0f".repeat(32)), Some([15; 32]));
        assert_eq!(parse("0f"), None);
        assert_eq!(parse(&"zz".repeat(32)), None);
        let missing = PseudonymKey::load(Path::new("/nowhere/key")).unwrap_err();
        assert!(missing.to_string().contains("/nowhere/key"), "{missing}");
    }
}
