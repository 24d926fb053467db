//! Guests' tokens: what lets somebody who never gave a password come back.
//!
//! A token is `<account>.<secret>`; the secret is derived from the service's own secret and the
//! account, so that a repeated command gives the same answer and nothing has to be stored.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemas::{AccountId, Digest};

use crate::secrets::Secrets;

/// Which derivation is in use; a later one logs out those who hold tokens of this one.
const GENERATION: u32 = 1;

/// Derives guests' tokens.
#[derive(Debug, Clone)]
pub struct GuestTokens(Secrets);

impl GuestTokens {
    /// From the service's secret.
    #[must_use]
    pub const fn new(secrets: Secrets) -> Self {
        Self(secrets)
    }

    /// The token of `account`.
    #[must_use]
    pub fn token(&self, account: AccountId) -> String {
        let label = format!("worldline guest token {GENERATION} {account}");
        let secret = self.0.derive(&label);
        format!("{account}.{}", URL_SAFE_NO_PAD.encode(*secret))
    }

    /// What the account keeps, and what an edge sends to prove that somebody holds the token.
    #[must_use]
    pub fn proof(&self, account: AccountId) -> Digest {
        Digest::of(self.token(account).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use schemas::account::guest_proof;

    use super::*;

    fn of(secret: &str) -> GuestTokens {
        GuestTokens::new(Secrets::from_text(secret).unwrap())
    }

    #[test]
    fn a_token_is_derived_alike_and_proves_its_own_account_only() {
        let tokens = of("0123456789abcdef0123456789abcdef");
        let others = of("another secret of thirty-two bytes");
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
