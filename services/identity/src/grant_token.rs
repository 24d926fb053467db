//! Grants: a credential's word to an account that somebody has proven who they are.
//!
//! Written and read by identity alone, hence signed with a shared key (HS256) that is derived from
//! the service's secret and survives every rotation. An edge carries it, sealed, from one aggregate
//! to the other; it is good for 30 s and for one session.

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use schemas::credential::Method;
use schemas::{AccountId, Digest, UnixMillis};
use serde::{Deserialize, Serialize};

use crate::access_token::ISSUER;
use crate::secrets::Secrets;

/// How long a grant may be taken, in seconds.
const LIFETIME_SECONDS: u64 = 30;
/// Who reads it.
const AUDIENCE: &str = "worldline-grant";

/// What a grant says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantClaims {
    /// Who signed: `worldline`.
    pub iss: String,
    /// For whom: `worldline-grant`.
    pub aud: String,
    /// The account it lets into.
    pub sub: AccountId,
    /// Its own name; the account takes each once.
    pub jti: String,
    /// Since when, in seconds since 1970, by the broker's clock.
    pub iat: u64,
    /// Until when.
    pub exp: u64,
    /// How it was proven.
    pub method: Method,
    /// Which credential.
    pub credential: Digest,
    /// Whether the password has been changed with it: no other session stays.
    #[serde(default)]
    pub changed: bool,
}

impl GrantClaims {
    /// The grant that the command stored at `at` under `jti` leads to.
    #[must_use]
    pub fn new(
        account: AccountId,
        (method, credential): (Method, Digest),
        jti: String,
        at: UnixMillis,
        changed: bool,
    ) -> Self {
        let iat = at.0 / 1000;
        Self {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: account,
            jti,
            iat,
            exp: iat + LIFETIME_SECONDS,
            method,
            credential,
            changed,
        }
    }

    /// Whether it is too late to take it.
    #[must_use]
    pub const fn is_late(&self, at: UnixMillis) -> bool {
        at.0 / 1000 > self.exp
    }

    /// What is kept of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.jti.as_bytes())
    }
}

/// Writes and reads grants.
#[derive(Clone)]
pub struct GrantTokens {
    writes: EncodingKey,
    reads: DecodingKey,
}

impl GrantTokens {
    /// With a key of the service's secret.
    #[must_use]
    pub fn new(secrets: &Secrets) -> Self {
        let key = secrets.derive("worldline grants 1");
        Self {
            writes: EncodingKey::from_secret(&*key),
            reads: DecodingKey::from_secret(&*key),
        }
    }

    /// The token that says this.
    #[must_use]
    pub fn token(&self, claims: &GrantClaims) -> String {
        match jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.writes) {
            Ok(token) => token,
            Err(error) => unreachable!("plain claims are signed with a shared key: {error}"),
        }
    }

    /// What a token says, if it is ours. Whether it is late is for the reader's clock to say.
    #[must_use]
    pub fn read(&self, token: &str) -> Option<GrantClaims> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        let read = jsonwebtoken::decode::<GrantClaims>(token, &self.reads, &validation);
        read.ok().map(|read| read.claims)
    }
}

impl fmt::Debug for GrantTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GrantTokens([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_read_by_its_own_service_only_and_for_thirty_seconds() {
        let of = |secret| GrantTokens::new(&Secrets::from_text(secret).unwrap());
        let ours = of("0123456789abcdef0123456789abcdef");
        let at = UnixMillis(1_789_000_000_000);
        let who = (Method::Password, Digest::of(b"ann"));
        let claims = GrantClaims::new(AccountId(7), who, "a.1".into(), at, false);
        let token = ours.token(&claims);
        assert_eq!(ours.read(&token), Some(claims.clone()));
        assert_eq!(of("another secret of thirty-two bytes").read(&token), None);
        assert_eq!(ours.read(&token.replace('.', "")), None);
        assert!(!claims.is_late(UnixMillis(at.0 + 30_000)));
        assert!(claims.is_late(UnixMillis(at.0 + 31_000)));
    }
}
