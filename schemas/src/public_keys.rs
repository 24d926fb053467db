//! Identity's public keys, as they stand in a bucket: what edges seal credentials to, and what
//! access tokens are verified with. Identity alone writes them, and changes them by itself.

use serde::{Deserialize, Serialize};

use crate::ids::UnixMillis;
use crate::sealed_to::BoxKey;

/// The bucket.
pub const BUCKET: &str = "keys";
/// The key of [`CurrentKeys`] in it.
pub const CURRENT: &str = "current";

/// The key of a [`BoxKeyEntry`]: `box.<kid>`.
#[must_use]
pub fn box_key(kid: &str) -> String {
    format!("box.{kid}")
}

/// The key of a [`SignKeyEntry`]: `sign.<kid>`.
#[must_use]
pub fn sign_key(kid: &str) -> String {
    format!("sign.{kid}")
}

/// What credentials are sealed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BoxKeyEntry {
    /// Its name, in [`crate::sealed_to::SealedTo::key`].
    pub kid: String,
    /// The key.
    pub public: BoxKey,
    /// What is sealed to it later than this does not open any more.
    pub not_after: UnixMillis,
}

/// What access tokens are verified with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SignKeyEntry {
    /// Its name, in the head of a token.
    pub kid: String,
    /// The Ed25519 public key, the 32 bytes of RFC 8032.
    #[serde(with = "serde_bytes")]
    #[schemars(with = "Vec<u8>")]
    pub x: [u8; 32],
    /// No token that it signed is good later than this.
    pub not_after: UnixMillis,
}

/// Which of them are in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CurrentKeys {
    /// The `kid` of the box key to seal to.
    #[serde(rename = "box")]
    pub box_kid: String,
    /// The `kid` of the key that signs.
    #[serde(rename = "sign")]
    pub sign_kid: String,
}
