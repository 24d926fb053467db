//! Identity's public keys, as they stand in the bucket `keys`: what credentials are sealed to, and
//! what verifies access tokens.
//!
//! A key lives under `box.<kid>` or `sign.<kid>`; which one is in use stands under `current.box`
//! and `current.sign`. A key that is in the bucket is good, whatever its times say: identity removes
//! it when nothing that was made with it can be alive.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::codec::{DecodeError, decode};
use crate::ids::UnixMillis;
use crate::sealed_to::BoxKey;

/// The bucket.
pub const BUCKET: &str = "keys";
/// Where it says which key credentials are sealed to.
pub const CURRENT_BOX: &str = "current.box";
/// Where it says which key signs.
pub const CURRENT_SIGN: &str = "current.sign";

/// What stands before the 32 public bytes in a `SubjectPublicKeyInfo` (RFC 8410, section 4).
const PUBLIC_DER: &[u8] = &[
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// A key that credentials are sealed to: `box.<kid>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PublicBoxKey {
    /// Its name, for [`crate::sealed_to::SealedTo::key`].
    pub kid: String,
    /// The key.
    pub public: BoxKey,
    /// Since when.
    pub since: UnixMillis,
    /// Until when, by plan, what was sealed to it will be opened.
    pub not_after: UnixMillis,
}

/// A key that verifies access tokens: `sign.<kid>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PublicSigningKey {
    /// Its name, as in the header of a token.
    pub kid: String,
    /// The key.
    pub public: Ed25519Public,
    /// Since when.
    pub since: UnixMillis,
    /// Until when, by plan, tokens signed with it may be alive.
    pub not_after: UnixMillis,
}

/// The public half of an Ed25519 key: 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Ed25519Public(
    /// As in RFC 8032.
    #[serde(with = "serde_bytes")]
    #[schemars(with = "Vec<u8>")]
    pub [u8; 32],
);

impl Ed25519Public {
    /// In base64url, as a JSON Web Key has it under `x`.
    #[must_use]
    pub fn x(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// As a `SubjectPublicKeyInfo` in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        let text = STANDARD.encode([PUBLIC_DER, &self.0].concat());
        format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
    }
}

impl fmt::Debug for Ed25519Public {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ed25519Public({})", self.x())
    }
}

/// Which key is in use: `current.box`, `current.sign`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CurrentKey {
    /// This one.
    pub kid: String,
    /// Since when.
    pub since: UnixMillis,
    /// The one before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
}

/// A value of the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicKeyEntry {
    /// Under `box.<kid>`.
    Box(PublicBoxKey),
    /// Under `sign.<kid>`.
    Sign(PublicSigningKey),
    /// Under `current.box`.
    CurrentBox(CurrentKey),
    /// Under `current.sign`.
    CurrentSign(CurrentKey),
    /// Under a key that a newer build uses.
    Unknown,
}

impl PublicKeyEntry {
    /// What `value` under `key` says.
    ///
    /// # Errors
    /// When it is not what belongs under that key.
    pub fn read(key: &str, value: &[u8]) -> Result<Self, DecodeError> {
        Ok(match key.split_once('.') {
            Some(("box", _)) => Self::Box(decode(value)?),
            Some(("sign", _)) => Self::Sign(decode(value)?),
            _ if key == CURRENT_BOX => Self::CurrentBox(decode(value)?),
            _ if key == CURRENT_SIGN => Self::CurrentSign(decode(value)?),
            _ => Self::Unknown,
        })
    }
}

/// Where the box key `kid` is.
#[must_use]
pub fn box_key(kid: &str) -> String {
    format!("box.{kid}")
}

/// Where the signing key `kid` is.
#[must_use]
pub fn sign_key(kid: &str) -> String {
    format!("sign.{kid}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::encode;

    #[test]
    fn a_value_is_read_by_its_key() {
        let current = CurrentKey {
            kid: "k2".into(),
            since: UnixMillis(5),
            previous: Some("k1".into()),
        };
        let bytes = encode(&current);
        let read = |key: &str| PublicKeyEntry::read(key, &bytes);
        assert_eq!(
            read(CURRENT_BOX).unwrap(),
            PublicKeyEntry::CurrentBox(current.clone())
        );
        assert_eq!(
            read(CURRENT_SIGN).unwrap(),
            PublicKeyEntry::CurrentSign(current)
        );
        assert_eq!(read("later.x").unwrap(), PublicKeyEntry::Unknown);
        assert!(read("sign.k2").is_err());
    }
}
