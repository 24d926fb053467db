//! Secrets on their way to one reader: sealed to its public key, unreadable for everybody else,
//! the log's own readers included.
//!
//! HPKE (RFC 9180) in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305. What
//! a secret is for (`purpose`) and what it belongs to (`bound_to`) are authenticated with it, so
//! that nobody can put it to another use.

use std::fmt;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, single_shot_open, single_shot_seal,
};
use serde::{Deserialize, Serialize};

/// For what something was sealed: a credential on its way to identity.
pub const CREDENTIAL: &str = "worldline credential 1";
/// For what something was sealed: identity's answer on its way to an edge.
pub const ANSWER: &str = "worldline answer 1";

/// A public key that secrets are sealed to: X25519, 32 bytes.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct BoxKey(
    /// The bytes of RFC 7748.
    #[serde(with = "serde_bytes")]
    #[schemars(with = "Vec<u8>")]
    pub [u8; 32],
);

impl fmt::Debug for BoxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "BoxKey({a:02x}{b:02x}{c:02x}{d:02x}…)")
    }
}

/// Something sealed to one public key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SealedTo {
    /// Which key, by the name its owner gave it; empty for a key that is used once.
    pub key: String,
    /// The encapsulated key, 32 bytes.
    #[serde(with = "serde_bytes")]
    #[schemars(with = "Vec<u8>")]
    pub enc: Vec<u8>,
    /// The ciphertext and its 16-byte tag.
    #[serde(with = "serde_bytes")]
    #[schemars(with = "Vec<u8>")]
    pub bytes: Vec<u8>,
}

/// Why something cannot be sealed or stays closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BoxError {
    /// The public key is no point of the curve that may be sealed to.
    #[error("the public key is not one that can be sealed to")]
    BadKey,
    /// It was sealed to another key, for another purpose, bound to something else, or changed since.
    #[error("what was sealed does not open with this key, for this purpose")]
    Closed,
}

/// A private key: opens what was sealed to its public half. Wiped from memory when dropped.
pub struct BoxSecret {
    private: <X25519HkdfSha256 as Kem>::PrivateKey,
    public: BoxKey,
}

impl BoxSecret {
    /// A fresh one, from the operating system's randomness.
    #[must_use]
    pub fn generate() -> Self {
        Self::from_bytes(rand::random())
    }

    /// The one that these 32 secret bytes make (RFC 9180, `DeriveKeyPair`).
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let (private, public) = X25519HkdfSha256::derive_keypair(&bytes);
        let mut key = BoxKey::default();
        key.0.copy_from_slice(&public.to_bytes());
        Self {
            private,
            public: key,
        }
    }

    /// What others seal to.
    #[must_use]
    pub const fn public(&self) -> BoxKey {
        self.public
    }

    /// Opens what was sealed for `purpose` and bound to `bound_to`.
    ///
    /// # Errors
    /// [`BoxError::Closed`].
    pub fn open(
        &self,
        sealed: &SealedTo,
        purpose: &str,
        bound_to: &[u8],
    ) -> Result<Vec<u8>, BoxError> {
        let enc = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(&sealed.enc)
            .map_err(|_| BoxError::Closed)?;
        single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.private,
            &enc,
            purpose.as_bytes(),
            &sealed.bytes,
            bound_to,
        )
        .map_err(|_| BoxError::Closed)
    }
}

impl fmt::Debug for BoxSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BoxSecret(of {:?})", self.public)
    }
}

impl SealedTo {
    /// Seals `secret` to `public`, which its owner calls `key`.
    ///
    /// # Errors
    /// [`BoxError::BadKey`].
    pub fn seal(
        public: BoxKey,
        key: &str,
        purpose: &str,
        bound_to: &[u8],
        secret: &[u8],
    ) -> Result<Self, BoxError> {
        let public = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&public.0)
            .map_err(|_| BoxError::BadKey)?;
        let (enc, bytes) = single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &public,
            purpose.as_bytes(),
            secret,
            bound_to,
        )
        .map_err(|_| BoxError::BadKey)?;
        Ok(Self {
            key: key.to_owned(),
            enc: enc.to_bytes().to_vec(),
            bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_for_its_purpose_where_it_belongs() {
        let (ours, theirs) = (BoxSecret::generate(), BoxSecret::generate());
        let seal = || SealedTo::seal(ours.public(), "k1", CREDENTIAL, b"ann", b"hunter2").unwrap();
        let sealed = seal();
        assert_ne!(sealed, seal(), "two seals of one secret differ");
        assert_eq!(
            ours.open(&sealed, CREDENTIAL, b"ann").as_deref(),
            Ok(&b"hunter2"[..])
        );
        for (key, purpose, bound_to) in [
            (&theirs, CREDENTIAL, b"ann"),
            (&ours, ANSWER, b"ann"),
            (&ours, CREDENTIAL, b"ben"),
        ] {
            assert_eq!(key.open(&sealed, purpose, bound_to), Err(BoxError::Closed));
        }
        let mut changed = sealed.clone();
        changed.bytes[2] ^= 1;
        assert_eq!(
            ours.open(&changed, CREDENTIAL, b"ann"),
            Err(BoxError::Closed)
        );
        assert_eq!(
            ours.open(&SealedTo::default(), CREDENTIAL, b"ann"),
            Err(BoxError::Closed)
        );
        assert!(!format!("{sealed:?}{ours:?}").contains("hunter2"));
    }

    #[test]
    fn a_key_of_nothing_is_not_sealed_to() {
        let sealed = SealedTo::seal(BoxKey::default(), "", ANSWER, b"", b"secret");
        assert_eq!(sealed, Err(BoxError::BadKey));
    }
}
