//! All checks of an ID token, in their order: first whose word it is, then whether it is meant for us and now.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use runtime::{HttpClient, IdTokenAlgorithm, OidcIssuer, OidcIssuers};
use schemas::UnixMillis;
use subtle::ConstantTimeEq;

use super::error::OidcError;
use super::key_cache::KeyCache;
use super::token::{Parts, Written};

/// How far the provider's clock may be from ours, ms.
const LEEWAY: u64 = 60 * 1000;
/// The oldest token that counts as a login of now, ms.
const LONGEST_AGO: u64 = 10 * 60 * 1000;
/// As OpenID Connect limits it, bytes.
const LONGEST_SUBJECT: usize = 255;
const LONGEST_NONCE: usize = 512;
const LONGEST_EMAIL: usize = 320;
const LONGEST_NAME: usize = 256;

/// Checks ID tokens of the configured providers.
#[derive(Debug)]
pub struct Verifier {
    providers: BTreeMap<String, Provider>,
}

#[derive(Debug)]
struct Provider {
    issuer: OidcIssuer,
    keys: Arc<KeyCache>,
}

/// What a good token says. An account is found by `issuer` and `subject`, never by the address.
#[derive(Clone, PartialEq, Eq)]
pub struct Claims {
    /// The provider, in the spelling of the configuration, whichever the token has.
    pub issuer: String,
    /// The person, as this provider calls them: never given to another one.
    pub subject: String,
    /// Their address; it may change hands.
    pub email: Option<String>,
    /// Whether the provider has seen that the address is theirs.
    pub email_verified: Option<bool>,
    /// What they want to be called.
    pub name: Option<String>,
    /// When they logged in there.
    pub issued_at: UnixMillis,
    /// Until when the token is good.
    pub expires_at: UnixMillis,
}

impl fmt::Debug for Claims {
    /// Who it is stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("issuer", &self.issuer)
            .field("issued_at", &self.issued_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Verifier {
    /// For the providers of this configuration; their keys are asked for when they are needed.
    #[must_use]
    pub fn new(config: &OidcIssuers, http: &HttpClient) -> Self {
        let provider = |issuer: OidcIssuer| {
            let keys = KeyCache::new(issuer.clone(), http.clone());
            (issuer.name.clone(), Provider { issuer, keys })
        };
        Self {
            providers: config.all().into_iter().map(provider).collect(),
        }
    }

    /// Checks a token, which the edge has got for a login that it began with `expected_nonce`.
    ///
    /// # Errors
    /// The first check that fails.
    pub async fn verify(
        &self,
        provider: &str,
        id_token: &str,
        expected_nonce: &str,
        now: UnixMillis,
    ) -> Result<Claims, OidcError> {
        let provider = self.providers.get(provider);
        let provider = provider.ok_or(OidcError::UnknownProvider)?;
        let parts = Parts::of(id_token)?;
        let header = parts.header()?;
        let algorithm = algorithm(&header.alg).ok_or(OidcError::Algorithm)?;
        if !provider.issuer.algorithms().contains(&algorithm) {
            return Err(OidcError::Algorithm);
        }
        let key = provider.keys.find(header.kid.as_deref(), algorithm, now);
        if !key.await?.has_signed(parts.signed, parts.signature) {
            return Err(OidcError::Signature);
        }
        let claims = parts.claims()?;
        check(&provider.issuer, &claims, expected_nonce, now)?;
        Ok(told(&provider.issuer, claims))
    }
}

/// The algorithms there are; `none` and those with a shared secret are not among them.
fn algorithm(name: &str) -> Option<IdTokenAlgorithm> {
    match name {
        "RS256" => Some(IdTokenAlgorithm::Rs256),
        "ES256" => Some(IdTokenAlgorithm::Es256),
        "EdDSA" => Some(IdTokenAlgorithm::EdDsa),
        _ => None,
    }
}

/// The claims of a token that the provider has signed.
fn check(
    issuer: &OidcIssuer,
    claims: &Written,
    expected_nonce: &str,
    now: UnixMillis,
) -> Result<(), OidcError> {
    if !issuer.is_spelled(&claims.iss) {
        return Err(OidcError::Issuer);
    }
    if !claims.aud.contains(&issuer.client_id) {
        return Err(OidcError::Audience);
    }
    match &claims.azp {
        Some(azp) if *azp != issuer.client_id => return Err(OidcError::AuthorizedParty),
        None if claims.aud.is_several() => return Err(OidcError::AuthorizedParty),
        _ => {}
    }
    let nonce = claims.nonce.as_deref().unwrap_or_default();
    let same = bool::from(nonce.as_bytes().ct_eq(expected_nonce.as_bytes()));
    if nonce.is_empty() || nonce.len() > LONGEST_NONCE || !same {
        return Err(OidcError::Nonce);
    }
    if now.0 >= claims.exp.0.saturating_add(LEEWAY) {
        return Err(OidcError::Expired);
    }
    let begins = claims.nbf.map_or(claims.iat, |nbf| nbf.max(claims.iat));
    if begins.0 > now.0.saturating_add(LEEWAY) {
        return Err(OidcError::NotYet);
    }
    if claims.iat.0.saturating_add(LONGEST_AGO) < now.0 {
        return Err(OidcError::TooOld);
    }
    let subject = &claims.sub;
    if subject.is_empty() || subject.len() > LONGEST_SUBJECT || !subject.is_ascii() {
        return Err(OidcError::Malformed("its subject"));
    }
    Ok(())
}

/// What is passed on of a good token.
fn told(issuer: &OidcIssuer, claims: Written) -> Claims {
    let short = |text: Option<String>, longest| text.filter(|text| text.len() <= longest);
    let email = short(claims.email, LONGEST_EMAIL);
    Claims {
        issuer: issuer.issuer.clone(),
        subject: claims.sub,
        email_verified: claims.email_verified.map(|truth| truth.is_true()),
        email,
        name: short(claims.name, LONGEST_NAME),
        issued_at: UnixMillis(claims.iat.0),
        expires_at: UnixMillis(claims.exp.0),
    }
}
