//! Guests' tokens: what lets somebody who never gave a password come back.
//!
//! A token is `<account>.<secret>`; the secret is derived from the service's own secret and the
//! account, so that a repeated command gives the same answer and nothing has to be stored.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use schemas::{AccountId, Digest};
use sha2::Sha256;

/// Which derivation is in use; a later one logs out those who hold tokens of this one.
const GENERATION: u32 = 1;
/// Fewer characters than this are no secret.
const SHORTEST_SECRET: usize = 32;

/// Derives guests' tokens.
#[derive(Clone)]
pub struct GuestTokens(Hkdf<Sha256>);

impl GuestTokens {
    /// From the service's secret; `None` when it is too short to be one.
    #[must_use]
    pub fn from_secret(secret: &str) -> Option<Self> {
        (secret.len() >= SHORTEST_SECRET).then(|| Self(Hkdf::new(None, secret.as_bytes())))
    }

    /// The token of `account`.
    #[must_use]
    pub fn token(&self, account: AccountId) -> String {
        let mut secret = [0; 32];
        let info = format!("worldline guest token {GENERATION} {account}");
        if self.0.expand(info.as_bytes(), &mut secret).is_err() {
            unreachable!("32 bytes are fewer than HKDF can give");
        }
        format!("{account}.{}", URL_SAFE_NO_PAD.encode(secret))
    }

    /// What the account keeps, and what an edge sends to prove that somebody holds the token.
    #[must_use]
    pub fn proof(&self, account: AccountId) -> Digest {
        Digest::of(self.token(account).as_bytes())
    }
}

impl fmt::Debug for GuestTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuestTokens([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use schemas::account::guest_proof;

    use super::*;

    #[test]
    fn a_token_is_derived_alike_and_proves_its_own_account_only() {
        let tokens = GuestTokens::from_secret("0123456789abcdef0123456789abcdef").unwrap();
        let others = GuestTokens::from_secret("another secret of thirty-two bytes").unwrap();
        let (ann, ben) = (AccountId(1), AccountId(2));
        let token = tokens.token(ann);
        assert_eq!(token, tokens.token(ann));
        assert_eq!(guest_proof(&token), Some((ann, tokens.proof(ann))));
        assert_ne!(tokens.proof(ann), tokens.proof(ben));
        assert_ne!(tokens.proof(ann), others.proof(ann));
    }

    #[test]
    fn what_cannot_be_a_token_proves_nothing() {
        for text in ["", ".", "0000000000001", "0000000000001.short", "x.y.z"] {
            assert_eq!(guest_proof(text), None, "{text:?}");
        }
    }
}
