//! The keys an edge holds: enough to read what people write and to check what others have signed,
//! not enough to let anybody in.

mod identity;
mod public;

use std::fmt;

pub(crate) use identity::IdentityKeys;
pub(crate) use public::{PublicKeys, SealingKey};

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use runtime::{Secret, Wrong};
use schemas::locate::Locator;
use schemas::sealed::RealmKey;
use schemas::{AccountId, AreaId, CharacterId, Digest, LoginId};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::config::Config;
use crate::resume::ResumeKey;

/// Who signs access tokens and tickets.
const ISSUER: &str = "worldline";
/// What an access token is for.
const ACCESS: &str = "worldline-edge";
/// What a ticket is for.
const JOIN: &str = "worldline-join";

/// All of them.
pub(crate) struct Keys {
    /// Seals and opens names and speech.
    pub(crate) realm: RealmKey,
    /// Finds credentials and names, tags addresses.
    pub(crate) locator: Locator,
    /// Seals resume tokens.
    pub(crate) resume: ResumeKey,
    lobby: DecodingKey,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys([redacted])")
    }
}

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct AccessClaims {
    /// The account.
    pub(crate) sub: AccountId,
    /// The login session.
    pub(crate) sid: LoginId,
    /// The only address it is good from, under strict binding.
    #[serde(default)]
    pub(crate) adr: Option<Digest>,
}

/// What a join ticket says.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct TicketClaims {
    /// Its own id; used once.
    pub(crate) jti: String,
    /// The character.
    pub(crate) sub: CharacterId,
    /// Whose.
    pub(crate) account: AccountId,
    /// The login session that asked for it.
    pub(crate) sid: LoginId,
    /// Where the character is, or will appear.
    pub(crate) area: Option<AreaId>,
    /// The websocket protocol that it is for.
    pub(crate) protocol: u32,
    /// The party that it joins; 0: none.
    #[serde(default)]
    pub(crate) party: CharacterId,
}

impl Keys {
    /// Reads them.
    ///
    /// # Errors
    /// When one is missing or is no key.
    pub(crate) fn from_config(config: &Config) -> Result<Self, Wrong> {
        let realm_key = bytes("realm_key", &config.realm_key)?;
        Ok(Self {
            realm: RealmKey::from_bytes(realm_key),
            locator: Locator::of_realm(realm_key),
            resume: ResumeKey::from_bytes(bytes("resume_key", &config.resume_key)?),
            lobby: public("lobby_public_key", &config.lobby_public_key)?,
        })
    }

    /// What a valid ticket says; `None` when it is forged, expired or no ticket.
    pub(crate) fn ticket(&self, token: &str) -> Option<TicketClaims> {
        verify(token, &self.lobby, JOIN)
    }
}

fn verify<C: DeserializeOwned + Clone>(
    token: &str,
    key: &DecodingKey,
    audience: &str,
) -> Option<C> {
    // Lifetimes are short enough; clocks of one realm agree to a few seconds.
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.leeway = 5;
    validation.set_audience(&[audience]);
    validation.set_issuer(&[ISSUER]);
    jsonwebtoken::decode::<C>(token, key, &validation)
        .ok()
        .map(|token| token.claims)
}

fn public(key: &'static str, pem: &str) -> Result<DecodingKey, Wrong> {
    DecodingKey::from_ed_pem(pem.as_bytes()).map_err(|why| {
        Wrong::new(
            key,
            format!("it is not an Ed25519 public key in PEM ({why})"),
        )
    })
}

fn bytes(key: &'static str, text: &Secret) -> Result<[u8; 32], Wrong> {
    let wrong = || Wrong::new(key, "it is not a key of 64 hexadecimal characters");
    let text = text.expose();
    if text.len() != 64 || !text.is_ascii() {
        return Err(wrong());
    }
    let mut bytes = [0; 32];
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LOBBY: &str = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEAKUlcksiLZnvv5H1eCoUeRBjtSrScbajobFhIyCZ29NY=\n-----END PUBLIC KEY-----\n";

    fn looks_like_a_token() -> impl Strategy<Value = String> {
        prop_oneof![
            ".{0,400}",
            "[A-Za-z0-9_-]{0,200}(\\.[A-Za-z0-9_-]{0,200}){0,4}",
            "eyJhbGciOiJFZERTQSJ9\\.[A-Za-z0-9_-]{0,300}\\.[A-Za-z0-9_-]{86}",
            "eyJhbGciOiJub25lIn0\\.[A-Za-z0-9_-]{0,300}\\.",
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn whatever_comes_as_a_token_is_refused_without_a_fault(text in looks_like_a_token()) {
            let key = public("lobby_public_key", LOBBY).expect("a key");
            prop_assert!(verify::<TicketClaims>(&text, &key, JOIN).is_none());
            let claims = verify::<AccessClaims>(&text, &key, ACCESS);
            prop_assert!(claims.is_none());
            prop_assert!(schemas::account::guest_proof(&text).is_none());
            prop_assert!(schemas::account::refresh_proof(&text).is_none());
        }
    }
}
