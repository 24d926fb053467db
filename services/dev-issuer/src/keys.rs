//! The issuer's signing keys, of three kinds.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use p256::pkcs8::EncodePrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::traits::PublicKeyParts;
use serde::Deserialize;
use serde_json::{Value, json};

const RSA_BITS: usize = 2048;
/// What stands before the 32 secret bytes in a PKCS #8 key (RFC 8410, section 7).
const ED25519_DER: &[u8] = &[
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// How tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum KeyType {
    /// ECDSA on P-256.
    #[default]
    #[serde(rename = "ES256")]
    Es256,
    /// RSA with 2048 bits, as Google does; making a key takes up to seconds.
    #[serde(rename = "RS256")]
    Rs256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl KeyType {
    /// Its name in tokens and key sets.
    pub(crate) fn algorithm(self) -> Algorithm {
        match self {
            Self::Es256 => Algorithm::ES256,
            Self::Rs256 => Algorithm::RS256,
            Self::EdDsa => Algorithm::EdDSA,
        }
    }
}

/// One key pair.
pub(crate) struct SigningKey {
    /// Its id.
    pub(crate) kid: String,
    /// Its kind.
    pub(crate) kind: KeyType,
    /// What signs.
    pub(crate) private: EncodingKey,
    /// What verifies, as a member of a key set.
    pub(crate) public: Value,
}

impl SigningKey {
    /// A fresh one, from the operating system's randomness.
    pub(crate) fn generate(kind: KeyType) -> anyhow::Result<Self> {
        let kid = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 9]>());
        let (private, mut public) = match kind {
            KeyType::Es256 => p256_pair()?,
            KeyType::Rs256 => rsa_pair()?,
            KeyType::EdDsa => ed25519_pair(),
        };
        public["kid"] = json!(kid);
        public["use"] = json!("sig");
        public["alg"] = json!(format!("{:?}", kind.algorithm()));
        Ok(Self {
            kid,
            kind,
            private,
            public,
        })
    }
}

fn p256_pair() -> anyhow::Result<(EncodingKey, Value)> {
    // Nearly all 32 bytes are a key; the few that are not are drawn again.
    let secret = std::iter::repeat_with(rand::random::<[u8; 32]>)
        .find_map(|bytes| p256::SecretKey::from_slice(&bytes).ok())
        .context("drawing a key")?;
    let der = secret.to_pkcs8_der().context("writing a P-256 key")?;
    let point = secret.public_key().to_sec1_bytes();
    // 0x04, then both coordinates.
    let coordinates = point.get(1..65).context("a point of P-256")?;
    let (x, y) = coordinates.split_at(32);
    let public = json!({
        "kty": "EC",
        "crv": "P-256",
        "x": URL_SAFE_NO_PAD.encode(x),
        "y": URL_SAFE_NO_PAD.encode(y),
    });
    Ok((EncodingKey::from_ec_der(der.as_bytes()), public))
}

fn rsa_pair() -> anyhow::Result<(EncodingKey, Value)> {
    let secret = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, RSA_BITS);
    let secret = secret.context("drawing an RSA key")?;
    let der = secret.to_pkcs1_der().context("writing an RSA key")?;
    let public = json!({
        "kty": "RSA",
        "n": URL_SAFE_NO_PAD.encode(secret.n().to_bytes_be()),
        "e": URL_SAFE_NO_PAD.encode(secret.e().to_bytes_be()),
    });
    Ok((EncodingKey::from_rsa_der(der.as_bytes()), public))
}

fn ed25519_pair() -> (EncodingKey, Value) {
    let seed: [u8; 32] = rand::random();
    let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key();
    let public = json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "x": URL_SAFE_NO_PAD.encode(public.as_bytes()),
    });
    let der = [ED25519_DER, &seed].concat();
    (EncodingKey::from_ed_der(&der), public)
}
