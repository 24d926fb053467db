//! Refresh tokens: opaque to everybody else, good for one use, derived and never stored.
//!
//! `<account>.<session>.<generation>.<secret>`: the secret belongs to exactly these three, so that
//! a token says itself which generation it is of, and a used one is recognised however old it is.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemas::{AccountId, Digest, LoginId};

use crate::secrets::Secrets;

/// Derives refresh tokens.
#[derive(Debug, Clone)]
pub struct RefreshTokens(Secrets);

impl RefreshTokens {
    /// From the service's secret.
    #[must_use]
    pub const fn new(secrets: Secrets) -> Self {
        Self(secrets)
    }

    /// The token of this generation of a login session.
    #[must_use]
    pub fn token(&self, account: AccountId, session: LoginId, generation: u32) -> String {
        let of = format!("{account}.{session}.{generation}");
        let secret = self.0.derive(&format!("worldline refresh token 1 {of}"));
        format!("{of}.{}", URL_SAFE_NO_PAD.encode(*secret))
    }

    /// What an edge sends to prove that somebody holds the token.
    #[must_use]
    pub fn proof(&self, account: AccountId, session: LoginId, generation: u32) -> Digest {
        Digest::of(self.token(account, session, generation).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use schemas::account::refresh_proof;

    use super::*;

    #[test]
    fn a_token_proves_one_generation_of_one_session() {
        let secrets = Secrets::from_text("0123456789abcdef0123456789abcdef").unwrap();
        let tokens = RefreshTokens::new(secrets);
        let (ann, phone) = (AccountId(1), LoginId(9));
        let token = tokens.token(ann, phone, 12);
        let proof = tokens.proof(ann, phone, 12);
        assert_eq!(refresh_proof(&token), Some((ann, phone, 12, proof)));
        assert_ne!(proof, tokens.proof(ann, phone, 13));
        assert_ne!(proof, tokens.proof(ann, LoginId(8), 12));
        assert_ne!(proof, tokens.proof(AccountId(2), phone, 12));
    }
}
