//! A provider's public keys (RFC 7517): those among them that can be used to check ID tokens.
//!
//! What is not understood is skipped, as the standard asks; what is weak is skipped too.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use runtime::IdTokenAlgorithm;
use serde::Deserialize;
use serde_json::Value;

use super::error::OidcError;

/// Keys of one set that are looked at.
const MOST_KEYS: usize = 64;
/// A modulus in bytes: 2048 to 8192 bits. A larger one would let a provider keep us busy.
const RSA_MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;
const P256_COORDINATE: usize = 32;
const ED25519_POINT: usize = 32;

/// A provider's keys at one time.
#[derive(Debug, Default)]
pub(super) struct KeySet {
    keys: Vec<PublicKey>,
}

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct PublicKey {
    kid: Option<String>,
    algorithm: IdTokenAlgorithm,
    key: DecodingKey,
}

/// A member of a set, as it is written.
#[derive(Deserialize)]
struct Written {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a key set; `None` when it is none, or no key of it can be used.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(body).ok()?;
        let read = |value| PublicKey::read(serde_json::from_value(value).ok()?);
        let keys: Vec<_> = set
            .keys
            .into_iter()
            .take(MOST_KEYS)
            .filter_map(read)
            .collect();
        (!keys.is_empty()).then_some(Self { keys })
    }

    /// The key that a token of this header was signed with.
    ///
    /// A token may leave out which one if there is only one of its algorithm.
    ///
    /// # Errors
    /// [`OidcError::UnknownKey`] or [`OidcError::KeyMismatch`].
    pub(super) fn find(
        &self,
        kid: Option<&str>,
        algorithm: IdTokenAlgorithm,
    ) -> Result<PublicKey, OidcError> {
        let of_algorithm = |key: &&PublicKey| key.algorithm == algorithm;
        let Some(kid) = kid else {
            let mut fitting = self.keys.iter().filter(of_algorithm);
            return match (fitting.next(), fitting.next()) {
                (Some(only), None) => Ok(only.clone()),
                _ => Err(OidcError::UnknownKey),
            };
        };
        let mut named = self
            .keys
            .iter()
            .filter(|key| key.kid.as_deref() == Some(kid))
            .peekable();
        if named.peek().is_none() {
            return Err(OidcError::UnknownKey);
        }
        let fitting = named.find(of_algorithm);
        fitting.cloned().ok_or(OidcError::KeyMismatch)
    }
}

impl PublicKey {
    /// Whether the key's owner has signed this.
    pub(super) fn has_signed(&self, message: &str, signature: &str) -> bool {
        let algorithm = match self.algorithm {
            IdTokenAlgorithm::Rs256 => Algorithm::RS256,
            IdTokenAlgorithm::Es256 => Algorithm::ES256,
            IdTokenAlgorithm::EdDsa => Algorithm::EdDSA,
        };
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.key, algorithm)
            .unwrap_or(false)
    }

    fn read(written: Written) -> Option<Self> {
        if written.purpose.as_deref().is_some_and(|for_| for_ != "sig") {
            return None;
        }
        let curve = written.crv.as_deref();
        let (algorithm, name, key) = match (written.kty.as_str(), curve) {
            ("RSA", _) => {
                let key = rsa(written.n.as_deref()?, written.e.as_deref()?)?;
                (IdTokenAlgorithm::Rs256, "RS256", key)
            }
            ("EC", Some("P-256")) => {
                let (x, y) = (written.x.as_deref()?, written.y.as_deref()?);
                sized(x, P256_COORDINATE)?;
                sized(y, P256_COORDINATE)?;
                let key = DecodingKey::from_ec_components(x, y).ok()?;
                (IdTokenAlgorithm::Es256, "ES256", key)
            }
            ("OKP", Some("Ed25519")) => {
                let x = written.x.as_deref()?;
                sized(x, ED25519_POINT)?;
                let key = DecodingKey::from_ed_components(x).ok()?;
                (IdTokenAlgorithm::EdDsa, "EdDSA", key)
            }
            _ => return None,
        };
        if written.alg.as_deref().is_some_and(|alg| alg != name) {
            return None;
        }
        Some(Self {
            kid: written.kid,
            algorithm,
            key,
        })
    }
}

fn rsa(n: &str, e: &str) -> Option<DecodingKey> {
    let modulus = URL_SAFE_NO_PAD.decode(n).ok()?;
    let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let modulus = modulus.get(zeros..)?;
    let exponent = URL_SAFE_NO_PAD.decode(e).ok()?;
    let value = exponent.iter().try_fold(0_u32, |value, byte| {
        value.checked_mul(256)?.checked_add(u32::from(*byte))
    })?;
    let good = RSA_MODULUS.contains(&modulus.len()) && value >= 3 && value % 2 == 1;
    good.then(|| DecodingKey::from_rsa_raw_components(modulus, &exponent))
}

fn sized(text: &str, bytes: usize) -> Option<()> {
    let decoded = URL_SAFE_NO_PAD.decode(text).ok()?;
    (decoded.len() == bytes).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// RFC 8037, appendix A.2.
    const POINT: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn set(keys: Value) -> Option<KeySet> {
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes())
    }

    #[test]
    fn what_is_weak_or_not_understood_is_skipped() {
        let short = URL_SAFE_NO_PAD.encode([0xff_u8; 128]);
        let padded = URL_SAFE_NO_PAD.encode([vec![0_u8; 200], vec![0xff_u8; 128]].concat());
        let whole = URL_SAFE_NO_PAD.encode([0xff_u8; 256]);
        let vast = URL_SAFE_NO_PAD.encode([0xff_u8; 2048]);
        for bad in [
            json!([]),
            json!([{}]),
            json!(["key"]),
            json!([{ "kty": "oct", "k": "c2VjcmV0" }]),
            json!([{ "kty": "OKP", "crv": "Ed25519", "x": "AAAA" }]),
            json!([{ "kty": "OKP", "crv": "X25519", "x": POINT }]),
            json!([{ "kty": "OKP", "crv": "Ed25519", "x": POINT, "use": "enc" }]),
            json!([{ "kty": "OKP", "crv": "Ed25519", "x": POINT, "alg": "ES256" }]),
            json!([{ "kty": "EC", "crv": "P-384", "x": POINT, "y": POINT }]),
            json!([{ "kty": "RSA", "n": short, "e": "AQAB" }]),
            json!([{ "kty": "RSA", "n": padded, "e": "AQAB" }]),
            json!([{ "kty": "RSA", "n": vast, "e": "AQAB" }]),
            json!([{ "kty": "RSA", "n": whole, "e": "AQ" }]),
            json!([{ "kty": "RSA", "n": whole, "e": "AAAAAQ" }]),
            json!([{ "kty": "RSA", "n": whole, "e": "AQABAQABAQAB" }]),
        ] {
            assert!(set(bad.clone()).is_none(), "{bad}");
        }
        assert!(set(json!([{ "kty": "RSA", "n": whole, "e": "AQAB" }])).is_some());
        let mixed = json!([{ "kty": "new" }, { "kty": "OKP", "crv": "Ed25519", "x": POINT }]);
        assert_eq!(set(mixed).map(|set| set.keys.len()), Some(1));
        for bad in [&b""[..], b"{}", b"[]", b"<html>", b"{\"keys\":{}}", b"\xff"] {
            assert!(KeySet::read(bad).is_none());
        }
    }

    #[test]
    fn a_key_is_found_by_id_and_algorithm() {
        let key = |kid: &str| json!({ "kty": "OKP", "crv": "Ed25519", "x": POINT, "kid": kid });
        let two = set(json!([key("a"), key("b")])).expect("keys");
        let find = |set: &KeySet, kid, algorithm| set.find(kid, algorithm).map(drop);
        let ed = IdTokenAlgorithm::EdDsa;
        assert_eq!(find(&two, Some("b"), ed), Ok(()));
        assert_eq!(find(&two, Some("c"), ed), Err(OidcError::UnknownKey));
        assert_eq!(find(&two, None, ed), Err(OidcError::UnknownKey));
        let mismatch = find(&two, Some("a"), IdTokenAlgorithm::Rs256);
        assert_eq!(mismatch, Err(OidcError::KeyMismatch));
        let one = set(json!([key("a")])).expect("a key");
        assert_eq!(find(&one, None, ed), Ok(()));
    }
}
