//! Access tokens: signed, short-lived, verified by the edges without asking anybody.

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use schemas::{AccountId, Digest, LoginId, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::keys::KeyPair;

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
    pub sub: AccountId,
    /// For whom: `worldline-edge`.
    pub aud: String,
    /// The login session.
    pub sid: LoginId,
    /// Since when, in seconds since 1970.
    pub iat: u64,
    /// Until when, in seconds since 1970.
    pub exp: u64,
    /// Stands for the address that it is good from; absent: from any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adr: Option<Digest>,
}

impl AccessClaims {
    /// For a session of an account, from `at` on, perhaps from one address only.
    #[must_use]
    pub fn new(
        account: AccountId,
        session: LoginId,
        at: UnixMillis,
        address: Option<Digest>,
    ) -> Self {
        let iat = at.0 / 1000;
        Self {
            iss: ISSUER.into(),
            sub: account,
            aud: AUDIENCE.into(),
            sid: session,
            iat,
            exp: iat + LIFETIME_SECONDS,
            adr: address,
        }
    }

    /// Whether it has been over for `grace` seconds at `at`.
    #[must_use]
    pub const fn is_over(&self, grace: u64, at: UnixMillis) -> bool {
        at.0 / 1000 >= self.exp + grace
    }
}

/// Signs access tokens with one key, and knows its own again.
#[derive(Clone)]
pub struct Signer {
    kid: String,
    key: EncodingKey,
    verifies: DecodingKey,
}

impl Signer {
    /// With this pair; tried once, so that signing cannot fail later.
    ///
    /// # Errors
    /// When its halves are no Ed25519 keys.
    pub fn new(kid: &str, pair: &KeyPair) -> Result<Self, jsonwebtoken::errors::Error> {
        let signer = Self {
            kid: kid.to_owned(),
            key: EncodingKey::from_ed_pem(pair.private.as_bytes())?,
            verifies: DecodingKey::from_ed_pem(pair.public.as_bytes())?,
        };
        let nobody = AccessClaims::new(AccountId(0), LoginId(0), UnixMillis(0), None);
        signer.sign(&nobody)?;
        Ok(signer)
    }

    /// The key's name.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The token that says this; the same at every call.
    #[must_use]
    pub fn token(&self, claims: &AccessClaims) -> String {
        match self.sign(claims) {
            Ok(token) => token,
            Err(error) => unreachable!("the key signed when it was read: {error}"),
        }
    }

    /// What a token says, if this key has signed it. Whether it is over is for the reader's clock to say.
    #[must_use]
    pub fn read(&self, token: &str) -> Option<AccessClaims> {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.validate_exp = false;
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        let read = jsonwebtoken::decode::<AccessClaims>(token, &self.verifies, &validation);
        read.ok().map(|read| read.claims)
    }

    fn sign(&self, claims: &AccessClaims) -> Result<String, jsonwebtoken::errors::Error> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.key)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}, [redacted])", self.kid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verified(token: &str, public: &str) -> Option<AccessClaims> {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        let key = DecodingKey::from_ed_pem(public.as_bytes()).unwrap();
        let token = jsonwebtoken::decode::<AccessClaims>(token, &key, &validation);
        token.ok().map(|token| token.claims)
    }

    fn token(pair: &KeyPair, at: UnixMillis) -> String {
        let signer = Signer::new("k1", pair).unwrap();
        signer.token(&AccessClaims::new(AccountId(7), LoginId(8), at, None))
    }

    #[test]
    fn a_token_is_verified_with_the_public_half_and_no_other() {
        let pair = KeyPair::generate();
        let now = UnixMillis::now();
        let first = token(&pair, now);
        let claims = verified(&first, &pair.public).unwrap();
        assert_eq!((claims.sub, claims.sid), (AccountId(7), LoginId(8)));
        assert_eq!(claims.exp - claims.iat, LIFETIME_SECONDS);
        assert_eq!(verified(&first, &KeyPair::generate().public), None);
        let signer = Signer::new("k1", &pair).unwrap();
        assert_eq!(signer.read(&first), Some(claims.clone()));
        let another = Signer::new("k1", &KeyPair::generate()).unwrap();
        assert_eq!(another.read(&first), None);
        let end = UnixMillis(claims.exp * 1000);
        assert!(!claims.is_over(1, end));
        assert!(claims.is_over(0, end) && !claims.is_over(0, UnixMillis(end.0 - 1)));
        assert_eq!(first, token(&pair, now), "repeated alike");
        let kid = jsonwebtoken::decode_header(&first).unwrap().kid;
        assert_eq!(kid.as_deref(), Some("k1"));
    }

    #[test]
    fn a_token_of_yesterday_is_refused() {
        let pair = KeyPair::generate();
        let yesterday = UnixMillis(UnixMillis::now().0 - 86_400_000);
        assert_eq!(verified(&token(&pair, yesterday), &pair.public), None);
    }
}
