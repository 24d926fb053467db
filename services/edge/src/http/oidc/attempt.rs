//! A login that was begun: all that has to be remembered until the browser is back, in its own cookie.
//!
//! The cookie is sealed under a key of the realm's edges: nobody else can read or make one. The *state* that
//! travels through the provider is the cookie's digest, so that each fits the other alone: a stranger's link
//! finds no such cookie in the browser that follows it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use runtime::Secret;
use schemas::{AccountId, LoginId, UnixMillis};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::return_path::ReturnPath;
use crate::http::access::AccessToken;

/// How long somebody may take to log in with the provider, ms.
pub(super) const GOOD_FOR_MILLIS: u64 = 10 * 60 * 1000;
const PURPOSE: &[u8] = b"worldline oidc attempt 1";
/// The longest cookie that is opened, bytes.
const LONGEST: usize = 4096;

/// A login that was begun.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    /// With which provider.
    pub(super) provider: String,
    /// What its token has to hold.
    pub(super) nonce: String,
    /// What proves to it that the code is ours (PKCE).
    pub(super) verifier: String,
    /// Where it sends the browser back to, as it was told.
    pub(super) redirect_uri: String,
    /// Where the browser goes in the end.
    pub(super) return_to: ReturnPath,
    /// When it was begun.
    pub(super) begun_at: UnixMillis,
    /// Who is logged in already and wants the provider's word to count for their account.
    #[serde(default)]
    pub(super) asker: Option<LinkAsker>,
}

/// Somebody who is logged in and wants to be let in by a provider's word from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LinkAsker {
    /// Their account.
    pub(super) account: AccountId,
    /// In which login session they asked; when it has ended meanwhile, they ask in vain.
    pub(super) login: LoginId,
    /// Their proof, for identity.
    pub(super) token: AccessToken,
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attempt(with {})", self.provider)
    }
}

/// The key of all edges of a realm for this purpose.
pub(super) struct AttemptKey(XChaCha20Poly1305);

/// Why a browser that comes back is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AttemptError {
    /// There is no cookie, or not the one that belongs to this state, or no edge has made it.
    Forged,
    /// It has taken longer than ten minutes.
    Old,
}

impl Attempt {
    /// A fresh one.
    pub(super) fn begin(
        provider: &str,
        redirect_uri: String,
        return_to: ReturnPath,
        asker: Option<LinkAsker>,
        now: UnixMillis,
    ) -> Self {
        let secret = || URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        Self {
            provider: provider.to_owned(),
            nonce: secret(),
            verifier: secret(),
            redirect_uri,
            return_to,
            begun_at: now,
            asker,
        }
    }

    /// What the provider is told of the verifier (PKCE, `S256`).
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(&self.verifier))
    }
}

/// The state that belongs to a cookie.
pub(super) fn state_of(cookie: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(cookie))
}

impl AttemptKey {
    /// Derived from what the edges share, apart from the key that is used for resume tokens.
    pub(super) fn derive(shared: &Secret) -> Self {
        let shared = shared.expose().to_ascii_lowercase();
        let mut key = [0; 32];
        // 32 bytes are less than the limit of 255 digests.
        let expanded = Hkdf::<Sha256>::new(None, shared.as_bytes()).expand(PURPOSE, &mut key);
        debug_assert!(expanded.is_ok());
        Self(XChaCha20Poly1305::new(&key.into()))
    }

    /// Makes the cookie.
    pub(super) fn seal(&self, attempt: &Attempt) -> String {
        let nonce = XNonce::generate();
        let plain = rmp_serde::to_vec(attempt).unwrap_or_default();
        let payload = Payload {
            msg: &plain,
            aad: PURPOSE,
        };
        let mut bytes = nonce.to_vec();
        // Encryption fails only beyond 256 GiB; the cookie would then be refused.
        bytes.extend(self.0.encrypt(&nonce, payload).unwrap_or_default());
        URL_SAFE_NO_PAD.encode(&bytes)
    }

    /// Reads the cookie with which a browser comes back, if `state` belongs to it.
    pub(super) fn open(
        &self,
        cookie: &str,
        state: &str,
        now: UnixMillis,
    ) -> Result<Attempt, AttemptError> {
        let forged = AttemptError::Forged;
        let fits = state_of(cookie).as_bytes().ct_eq(state.as_bytes());
        if cookie.len() > LONGEST || !bool::from(fits) {
            return Err(forged);
        }
        let attempt = self.unseal(cookie).ok_or(forged)?;
        if now.0.saturating_sub(attempt.begun_at.0) > GOOD_FOR_MILLIS {
            return Err(AttemptError::Old);
        }
        Ok(attempt)
    }

    fn unseal(&self, cookie: &str) -> Option<Attempt> {
        let bytes = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(24)?;
        let nonce = <[u8; 24]>::try_from(nonce).ok()?;
        let payload = Payload {
            msg: sealed,
            aad: PURPOSE,
        };
        let plain = self.0.decrypt(&XNonce::from(nonce), payload).ok()?;
        rmp_serde::from_slice(&plain).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGUN: UnixMillis = UnixMillis(1_000_000);

    fn key(text: &str) -> AttemptKey {
        AttemptKey::derive(&text.to_owned().into())
    }

    fn attempt() -> Attempt {
        let back = "http://localhost/v1/oidc/dev/callback".to_owned();
        Attempt::begin("dev", back, ReturnPath::default(), None, BEGUN)
    }

    #[test]
    fn any_edge_of_the_realm_goes_on_with_an_attempt_for_ten_minutes() {
        let begun = Attempt {
            asker: Some(LinkAsker {
                account: AccountId(5),
                login: LoginId(6),
                token: AccessToken("a.b.c".into()),
            }),
            ..attempt()
        };
        let cookie = key("AB").seal(&begun);
        let state = state_of(&cookie);
        let at = |ms| UnixMillis(BEGUN.0 + ms);
        let other_edge = key("ab");
        assert_eq!(
            other_edge.open(&cookie, &state, at(GOOD_FOR_MILLIS)),
            Ok(begun)
        );
        let late = other_edge.open(&cookie, &state, at(GOOD_FOR_MILLIS + 1));
        assert_eq!(late, Err(AttemptError::Old));
        let stranger = key("cd").open(&cookie, &state, at(0));
        assert_eq!(stranger, Err(AttemptError::Forged));
    }

    #[test]
    fn a_state_fits_its_own_cookie_alone() {
        let key = key("ab");
        let (mine, yours) = (key.seal(&attempt()), key.seal(&attempt()));
        let opened = |cookie: &str, state: &str| key.open(cookie, state, BEGUN).map(drop);
        let forged = Err(AttemptError::Forged);
        assert_eq!(opened(&mine, &state_of(&mine)), Ok(()));
        assert_eq!(opened(&mine, &state_of(&yours)), forged);
        assert_eq!(opened(&mine, ""), forged);
        for bad in ["", "x", "é", &mine[1..], &mine[..60], &"A".repeat(5000)] {
            assert_eq!(opened(bad, &state_of(bad)), forged, "{bad}");
        }
    }

    #[test]
    fn the_challenge_is_that_of_rfc_7636() {
        let begun = Attempt {
            verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into(),
            ..attempt()
        };
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(begun.challenge(), challenge);
        assert_eq!(attempt().verifier.len(), 43);
        assert!(!format!("{begun:?}").contains(&begun.verifier));
    }
}
