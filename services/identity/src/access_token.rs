//! Access tokens: signed, short-lived, verified by the edges without asking anybody.

use std::fmt;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use schemas::{AccountId, UnixMillis};
use serde::{Deserialize, Serialize};

/// Lifetime of an access token in seconds.
pub(crate) const LIFETIME_SECONDS: u64 = 600;
/// Who signs.
pub(crate) const ISSUER: &str = "worldline";
/// Who verifies.
pub(crate) const AUDIENCE: &str = "worldline-edge";

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who signed: `worldline`.
    pub iss: String,
    /// The account.
    pub sub: String,
    /// For whom: `worldline-edge`.
    pub aud: String,
    /// Since when, in seconds since 1970.
    pub iat: u64,
    /// Until when, in seconds since 1970.
    pub exp: u64,
}

/// Signs access tokens.
#[derive(Clone)]
pub struct AccessTokens(EncodingKey);

impl AccessTokens {
    /// With this private key, PKCS #8 in PEM; tried once, so that signing cannot fail later.
    ///
    /// # Errors
    /// When it is no such key.
    pub fn from_pem(pem: &str) -> Result<Self, jsonwebtoken::errors::Error> {
        let tokens = Self(EncodingKey::from_ed_pem(pem.as_bytes())?);
        tokens.sign(&claims(AccountId(0), UnixMillis(0)))?;
        Ok(tokens)
    }

    /// A token for `account`, good from `at` on. The same at every call.
    #[must_use]
    pub fn token(&self, account: AccountId, at: UnixMillis) -> String {
        match self.sign(&claims(account, at)) {
            Ok(token) => token,
            Err(error) => unreachable!("the key signed when it was read: {error}"),
        }
    }

    fn sign(&self, claims: &AccessClaims) -> Result<String, jsonwebtoken::errors::Error> {
        jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), claims, &self.0)
    }
}

fn claims(account: AccountId, at: UnixMillis) -> AccessClaims {
    let iat = at.0 / 1000;
    AccessClaims {
        iss: ISSUER.into(),
        sub: account.to_string(),
        aud: AUDIENCE.into(),
        iat,
        exp: iat + LIFETIME_SECONDS,
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessTokens([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};

    use super::*;
    use crate::keys::KeyPair;

    fn verified(token: &str, public: &str) -> Option<AccessClaims> {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        let key = DecodingKey::from_ed_pem(public.as_bytes()).unwrap();
        let token = jsonwebtoken::decode::<AccessClaims>(token, &key, &validation);
        token.ok().map(|token| token.claims)
    }

    #[test]
    fn a_token_is_verified_with_the_public_half_and_no_other() {
        let pair = KeyPair::generate();
        let tokens = AccessTokens::from_pem(&pair.private).unwrap();
        let now = UnixMillis::now();
        let token = tokens.token(AccountId(7), now);
        let claims = verified(&token, &pair.public).unwrap();
        assert_eq!(claims.sub, AccountId(7).to_string());
        assert_eq!(claims.exp - claims.iat, LIFETIME_SECONDS);
        assert_eq!(verified(&token, &KeyPair::generate().public), None);
        assert_eq!(token, tokens.token(AccountId(7), now), "repeated alike");
    }

    #[test]
    fn a_token_of_yesterday_is_refused() {
        let pair = KeyPair::generate();
        let tokens = AccessTokens::from_pem(&pair.private).unwrap();
        let yesterday = UnixMillis(UnixMillis::now().0 - 86_400_000);
        let token = tokens.token(AccountId(7), yesterday);
        assert_eq!(verified(&token, &pair.public), None);
    }
}
