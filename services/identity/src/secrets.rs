//! Everything that is derived from the service's one secret, each under its own label.
//!
//! Deriving instead of drawing is what lets a repeated command be answered alike without a secret
//! in the log: whoever holds the service's secret can say what it was.

use std::fmt;

use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use schemas::erasure::ErasureKey;
use schemas::sealed::Sealed;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Fewer characters than this are no secret.
const SHORTEST: usize = 32;
/// Under which name what is sealed here stands in the log and in buckets.
const KEY_ID: &str = "identity.1";

/// The service's secret.
#[derive(Clone)]
pub struct Secrets {
    derived: Hkdf<Sha256>,
    orders: ErasureKey,
}

impl Secrets {
    /// From the configured text; `None` when it is too short to be one.
    #[must_use]
    pub fn from_text(secret: &str) -> Option<Self> {
        (secret.len() >= SHORTEST).then(|| Self {
            derived: Hkdf::new(None, secret.as_bytes()),
            orders: ErasureKey::of_secret(secret),
        })
    }

    /// 32 bytes that belong to `label`.
    #[must_use]
    pub fn derive(&self, label: &str) -> Zeroizing<[u8; 32]> {
        let mut bytes = Zeroizing::new([0; 32]);
        if self
            .derived
            .expand(label.as_bytes(), bytes.as_mut())
            .is_err()
        {
            unreachable!("32 bytes are fewer than HKDF can give");
        }
        bytes
    }

    /// What tells a true order to erase somebody from a forged one.
    #[must_use]
    pub fn orders(&self) -> ErasureKey {
        self.orders.clone()
    }

    /// What seals under a key that belongs to `label`.
    #[must_use]
    pub fn vault(&self, label: &str) -> Vault {
        let key = self.derive(label);
        Vault(XChaCha20Poly1305::new((&*key).into()))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets([redacted])")
    }
}

/// Seals what identity alone may read: password hashes, private keys.
#[derive(Clone)]
pub struct Vault(XChaCha20Poly1305);

impl Vault {
    /// Seals `bytes`, which open only where `belongs_to` is the same.
    #[must_use]
    pub fn seal(&self, bytes: &[u8], belongs_to: &str) -> Sealed {
        let nonce = XNonce::generate();
        let payload = Payload {
            msg: bytes,
            aad: belongs_to.as_bytes(),
        };
        match self.0.encrypt(&nonce, payload) {
            Ok(sealed) => Sealed {
                key: KEY_ID.to_owned(),
                nonce: nonce.to_vec(),
                bytes: sealed,
            },
            Err(_) => unreachable!("{} bytes are not too many to seal", bytes.len()),
        }
    }

    /// What was sealed for `belongs_to`; `None` when it was not, or not with this service's secret.
    #[must_use]
    pub fn open(&self, sealed: &Sealed, belongs_to: &str) -> Option<Zeroizing<Vec<u8>>> {
        let nonce = <[u8; 24]>::try_from(sealed.nonce.as_slice()).ok()?;
        let payload = Payload {
            msg: &sealed.bytes,
            aad: belongs_to.as_bytes(),
        };
        let opened = self.0.decrypt(&XNonce::from(nonce), payload).ok()?;
        Some(Zeroizing::new(opened))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_where_it_belongs_and_nowhere_else() {
        let ours = Secrets::from_text("0123456789abcdef0123456789abcdef").unwrap();
        let theirs = Secrets::from_text("another secret of thirty-two bytes").unwrap();
        let sealed = ours.vault("a").seal(b"hunter2", "ann");
        let open = |vault: Vault, whose: &str| vault.open(&sealed, whose).map(|b| b.to_vec());
        assert_eq!(open(ours.vault("a"), "ann"), Some(b"hunter2".to_vec()));
        assert_eq!(open(ours.vault("a"), "ben"), None);
        assert_eq!(open(ours.vault("b"), "ann"), None);
        assert_eq!(open(theirs.vault("a"), "ann"), None);
        assert!(Secrets::from_text("short").is_none());
    }
}
