//! Keys of persons: what somebody writes is sealed with a key of their own, which is kept outside
//! the log, so that destroying one key makes one person unreadable everywhere at once.
//!
//! A person is an account. Its key lies in the bucket [`BUCKET`] under the account's id, wrapped
//! with a key made of the realm's, so that neither the broker's disk nor a backup gives it away. An
//! erased person's key is not missing but **erased**: the entry says so, and nobody makes another.

use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};

use crate::ids::{AccountId, UnixMillis};
use crate::sealed::Sealed;

/// The bucket of the keys; a value's key is the account.
pub const BUCKET: &str = "person_keys";
/// Under which name wrapped keys stand in it.
const WRAPPED_WITH: &str = "realm.1.persons";

/// A value of the bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type")]
pub enum PersonKeyEntry {
    /// The person's key.
    #[serde(rename = "kept.1")]
    Kept {
        /// 32 bytes, wrapped.
        key: Sealed,
    },
    /// The person was erased: the key is gone, and no other is made.
    #[serde(rename = "erased.1")]
    Erased {
        /// When.
        at: UnixMillis,
    },
    /// Something that a newer build wrote.
    #[serde(other)]
    Unknown,
}

/// The name under which texts sealed with a person's key stand in the log.
#[must_use]
pub fn key_id(account: AccountId) -> String {
    format!("person.{account}")
}

/// Whose key a sealed text names; `None`: nobody's, but the realm's or another.
#[must_use]
pub fn whose(sealed: &Sealed) -> Option<AccountId> {
    sealed.key.strip_prefix("person.")?.parse().ok()
}

/// What wraps persons' keys.
#[derive(Clone)]
pub(crate) struct Wrapping(XChaCha20Poly1305);

impl Wrapping {
    pub(crate) fn new(bytes: [u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(&bytes.into()))
    }

    /// A fresh key, wrapped.
    pub(crate) fn draw(&self, account: AccountId) -> PersonKeyEntry {
        let (key, nonce) = (Key::generate(), XNonce::generate());
        let aad = key_id(account);
        let payload = Payload {
            msg: &key,
            aad: aad.as_bytes(),
        };
        match self.0.encrypt(&nonce, payload) {
            Ok(bytes) => PersonKeyEntry::Kept {
                key: Sealed {
                    key: WRAPPED_WITH.to_owned(),
                    nonce: nonce.to_vec(),
                    bytes,
                },
            },
            Err(_) => unreachable!("32 bytes are not too many to seal"),
        }
    }

    /// The key that was wrapped for `account`; `None`: it was not, or in another realm.
    pub(crate) fn open(&self, account: AccountId, wrapped: &Sealed) -> Option<PersonKey> {
        let nonce = <[u8; 24]>::try_from(wrapped.nonce.as_slice()).ok()?;
        let id = key_id(account);
        let payload = Payload {
            msg: &wrapped.bytes,
            aad: id.as_bytes(),
        };
        let mut bytes = self.0.decrypt(&XNonce::from(nonce), payload).ok()?;
        let key = <[u8; 32]>::try_from(bytes.as_slice()).ok()?;
        bytes.fill(0);
        let cipher = XChaCha20Poly1305::new(&key.into());
        Some(PersonKey { id, cipher })
    }
}

/// A person's key.
#[derive(Clone)]
pub(crate) struct PersonKey {
    id: String,
    cipher: XChaCha20Poly1305,
}

impl PersonKey {
    pub(crate) fn seal(&self, text: &str) -> Sealed {
        let nonce = XNonce::generate();
        let payload = Payload {
            msg: text.as_bytes(),
            aad: self.id.as_bytes(),
        };
        match self.cipher.encrypt(&nonce, payload) {
            Ok(bytes) => Sealed {
                key: self.id.clone(),
                nonce: nonce.to_vec(),
                bytes,
            },
            Err(_) => unreachable!("a text of {} bytes is too long to seal", text.len()),
        }
    }

    pub(crate) fn open(&self, sealed: &Sealed) -> Option<String> {
        let nonce = <[u8; 24]>::try_from(sealed.nonce.as_slice()).ok()?;
        let payload = Payload {
            msg: &sealed.bytes,
            aad: self.id.as_bytes(),
        };
        let text = self.cipher.decrypt(&XNonce::from(nonce), payload).ok()?;
        String::from_utf8(text).ok()
    }
}
