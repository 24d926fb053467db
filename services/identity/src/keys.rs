//! Ed25519 key pairs as PEM texts, for whoever sets up a realm.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

/// What stands before the 32 secret bytes in a PKCS #8 key (RFC 8410, section 7).
const PRIVATE_DER: &[u8] = &[
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
/// What stands before the 32 public bytes in a `SubjectPublicKeyInfo` (RFC 8410, section 4).
const PUBLIC_DER: &[u8] = &[
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// A signing key and what verifies its signatures.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPair {
    /// PKCS #8, PEM. For the signing service alone.
    pub private: String,
    /// `SubjectPublicKeyInfo`, PEM. For everybody who verifies.
    pub public: String,
}

impl KeyPair {
    /// A fresh one, from the operating system's randomness.
    #[must_use]
    pub fn generate() -> Self {
        Self::from_seed(rand::random())
    }

    /// The one that belongs to these 32 secret bytes.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let public = SigningKey::from_bytes(&seed).verifying_key();
        Self {
            private: pem("PRIVATE KEY", PRIVATE_DER, &seed),
            public: pem("PUBLIC KEY", PUBLIC_DER, public.as_bytes()),
        }
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair")
            .field("private", &"[redacted]")
            .field("public", &self.public)
            .finish()
    }
}

/// Both forms are at most 48 bytes, hence one line of 64 characters.
fn pem(label: &str, before: &[u8], key: &[u8; 32]) -> String {
    let text = STANDARD.encode([before, key].concat());
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, EncodingKey};

    use super::*;

    #[test]
    fn the_pair_of_rfc_8410_comes_out_as_printed_there() {
        let seed = [
            0xD4, 0xEE, 0x72, 0xDB, 0xF9, 0x13, 0x58, 0x4A, 0xD5, 0xB6, 0xD8, 0xF1, 0xF7, 0x69,
            0xF8, 0xAD, 0x3A, 0xFE, 0x7C, 0x28, 0xCB, 0xF1, 0xD4, 0xFB, 0xE0, 0x97, 0xA8, 0x8F,
            0x44, 0x75, 0x58, 0x42,
        ];
        let pair = KeyPair::from_seed(seed);
        assert!(
            pair.private
                .contains("MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC")
        );
        assert!(
            pair.public
                .contains("MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=")
        );
    }

    #[test]
    fn both_halves_are_read_by_those_who_sign_and_verify() {
        let pair = KeyPair::generate();
        assert!(EncodingKey::from_ed_pem(pair.private.as_bytes()).is_ok());
        assert!(DecodingKey::from_ed_pem(pair.public.as_bytes()).is_ok());
        assert!(!format!("{pair:?}").contains(&pair.private));
    }
}
