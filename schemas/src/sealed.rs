//! Text of people as it stands in the log: unreadable without a key.

use std::fmt;

use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};

/// The name under which texts sealed with the realm's first key stand in the log.
pub const REALM_KEY_ID: &str = "realm.1";

/// A text encrypted with XChaCha20-Poly1305 (RFC 8439 with the extended nonce); only readers
/// that hold the key `key` can open it. Erasing the key erases the text everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Sealed {
    /// Which key: `realm.1` for the realm's first.
    pub key: String,
    /// 24 bytes, random for each text.
    #[serde(with = "serde_bytes")]
    #[schemars(with = "Vec<u8>")]
    pub nonce: Vec<u8>,
    /// The ciphertext and its 16-byte tag.
    #[serde(with = "serde_bytes")]
    #[schemars(with = "Vec<u8>")]
    pub bytes: Vec<u8>,
}

/// The realm's key: seals what people write, and opens it for readers with the right to.
#[derive(Clone)]
pub struct RealmKey(XChaCha20Poly1305);

/// Why a sealed text stays closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It was sealed with a key that this reader does not hold; show a placeholder.
    #[error("the text was sealed with key {key:?}, this reader holds {REALM_KEY_ID:?}")]
    OtherKey {
        /// The key that it names.
        key: String,
    },
    /// It is not what was sealed: cut, changed, or sealed with another realm's key.
    #[error("the sealed text of {length} bytes does not open with this realm's key")]
    Damaged {
        /// Length of the ciphertext and its tag.
        length: usize,
    },
}

impl RealmKey {
    /// The key made of these 32 secret bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(&bytes.into()))
    }

    /// Seals `text` under a fresh random nonce: two seals of one text differ.
    ///
    /// # Panics
    /// Only when the operating system has no randomness, or for a text beyond 256 GiB.
    #[must_use]
    pub fn seal(&self, text: &str) -> Sealed {
        let nonce = XNonce::generate();
        let payload = Payload {
            msg: text.as_bytes(),
            aad: REALM_KEY_ID.as_bytes(),
        };
        match self.0.encrypt(&nonce, payload) {
            Ok(bytes) => Sealed {
                key: REALM_KEY_ID.to_owned(),
                nonce: nonce.to_vec(),
                bytes,
            },
            Err(_) => unreachable!("a text of {} bytes is too long to seal", text.len()),
        }
    }

    /// Opens what [`RealmKey::seal`] closed.
    ///
    /// # Errors
    /// When it was sealed with another key, or has been changed since.
    pub fn open(&self, sealed: &Sealed) -> Result<String, OpenError> {
        if sealed.key != REALM_KEY_ID {
            return Err(OpenError::OtherKey {
                key: sealed.key.chars().take(40).collect(),
            });
        }
        let damaged = || OpenError::Damaged {
            length: sealed.bytes.len(),
        };
        let nonce = <[u8; 24]>::try_from(sealed.nonce.as_slice()).map_err(|_| damaged())?;
        let payload = Payload {
            msg: &sealed.bytes,
            aad: REALM_KEY_ID.as_bytes(),
        };
        let text = self
            .0
            .decrypt(&XNonce::from(nonce), payload)
            .map_err(|_| damaged())?;
        String::from_utf8(text).map_err(|_| damaged())
    }
}

impl fmt::Debug for RealmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RealmKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_the_same_key_only() {
        let (ours, theirs) = (RealmKey::from_bytes([7; 32]), RealmKey::from_bytes([8; 32]));
        let sealed = ours.seal("hé, Ann");
        assert_eq!(ours.open(&sealed).as_deref(), Ok("hé, Ann"));
        assert_ne!(ours.seal("hé, Ann"), sealed, "a fresh nonce each time");
        assert!(matches!(
            theirs.open(&sealed),
            Err(OpenError::Damaged { .. })
        ));
        let renamed = Sealed {
            key: "realm.2".into(),
            ..sealed
        };
        assert!(matches!(
            ours.open(&renamed),
            Err(OpenError::OtherKey { .. })
        ));
        assert!(ours.open(&Sealed::default()).is_err());
    }

    #[test]
    fn a_changed_byte_keeps_the_text_closed() {
        let key = RealmKey::from_bytes([7; 32]);
        let mut sealed = key.seal("meet me at the mill");
        sealed.bytes[3] ^= 1;
        assert_eq!(key.open(&sealed), Err(OpenError::Damaged { length: 35 }));
    }
}
