//! Text of people as it stands in the log: unreadable without a key.

use serde::{Deserialize, Serialize};

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
