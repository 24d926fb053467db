//! Identity's public keys, folded from what stands in their bucket.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use schemas::DecodeError;
use schemas::public_keys::{BoxKeyEntry, CURRENT, CurrentKeys, SignKeyEntry};
use schemas::sealed_to::BoxKey;
use serde_json::{Value, json};

/// What secrets for identity are sealed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SealingKey {
    /// Its name.
    pub(crate) kid: String,
    /// The key.
    pub(crate) public: BoxKey,
}

/// All keys that are good.
#[derive(Debug, Default)]
pub(crate) struct PublicKeys {
    boxes: BTreeMap<String, BoxKeyEntry>,
    signing: BTreeMap<String, SignKeyEntry>,
    current_box: Option<String>,
}

impl PublicKeys {
    /// What stands under `key` now; `None`: nothing any more.
    pub(crate) fn apply(&mut self, key: &str, value: Option<&[u8]>) {
        let Some(value) = value else {
            match key.split_once('.') {
                Some(("box", kid)) => drop(self.boxes.remove(kid)),
                Some(("sign", kid)) => drop(self.signing.remove(kid)),
                _ => {}
            }
            return;
        };
        if let Err(error) = self.put(key, value) {
            tracing::error!(key, %error, "a public key cannot be read");
        }
    }

    fn put(&mut self, key: &str, value: &[u8]) -> Result<(), DecodeError> {
        match key.split_once('.') {
            Some(("box", kid)) => {
                self.boxes.insert(kid.to_owned(), schemas::decode(value)?);
            }
            Some(("sign", kid)) => {
                self.signing.insert(kid.to_owned(), schemas::decode(value)?);
            }
            None if key == CURRENT => {
                self.current_box = Some(schemas::decode::<CurrentKeys>(value)?.box_kid);
            }
            // Of a newer build.
            _ => {}
        }
        Ok(())
    }

    /// What to seal to; `None` while identity has published nothing.
    pub(crate) fn sealing(&self) -> Option<SealingKey> {
        let current = self.boxes.get(self.current_box.as_deref()?)?;
        Some(SealingKey {
            kid: current.kid.clone(),
            public: current.public,
        })
    }

    /// What verifies the tokens that `kid` signed.
    pub(crate) fn verifying(&self, kid: &str) -> Option<DecodingKey> {
        let key = self.signing.get(kid)?;
        Some(DecodingKey::from_ed_der(&key.x))
    }

    /// As a JSON Web Key Set (RFC 7517, RFC 8037).
    pub(crate) fn json_web_keys(&self) -> Value {
        let keys = self.signing.values().map(|key| {
            json!({
                "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
                "kid": key.kid, "x": URL_SAFE_NO_PAD.encode(key.x),
            })
        });
        json!({ "keys": keys.collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use schemas::public_keys::{box_key, sign_key};
    use schemas::{UnixMillis, encode};

    use super::*;

    fn put(keys: &mut PublicKeys, kid: &str, byte: u8) {
        let not_after = UnixMillis(2);
        let entry = BoxKeyEntry {
            kid: kid.into(),
            public: BoxKey([byte; 32]),
            not_after,
        };
        keys.apply(&box_key(kid), Some(&encode(&entry)));
        let entry = SignKeyEntry {
            kid: kid.into(),
            x: [byte; 32],
            not_after,
        };
        keys.apply(&sign_key(kid), Some(&encode(&entry)));
    }

    fn make_current(keys: &mut PublicKeys, kid: &str) {
        let current = CurrentKeys {
            box_kid: kid.into(),
            sign_kid: kid.into(),
        };
        keys.apply(CURRENT, Some(&encode(&current)));
    }

    #[test]
    fn what_is_sealed_to_is_the_current_key_and_what_verifies_is_any() {
        let mut keys = PublicKeys::default();
        assert_eq!(keys.sealing(), None);
        make_current(&mut keys, "a");
        assert_eq!(keys.sealing(), None, "named and not there yet");
        put(&mut keys, "a", 1);
        put(&mut keys, "b", 2);
        assert_eq!(keys.sealing().map(|key| key.kid).as_deref(), Some("a"));
        make_current(&mut keys, "b");
        let sealing = keys.sealing().expect("there");
        assert_eq!(
            (sealing.kid.as_str(), sealing.public),
            ("b", BoxKey([2; 32]))
        );
        assert!(keys.verifying("a").is_some() && keys.verifying("c").is_none());
        assert_eq!(
            keys.json_web_keys()["keys"].as_array().map(Vec::len),
            Some(2)
        );
        keys.apply("sign.a", None);
        keys.apply("later.x", Some(b"?"));
        keys.apply("sign.z", Some(b"?"));
        assert!(keys.verifying("a").is_none());
        let set = keys.json_web_keys();
        assert_eq!(set["keys"][0]["kid"], "b");
        assert_eq!(set["keys"][0]["crv"], "Ed25519");
    }
}
