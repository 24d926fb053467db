//! Logging in by the word of an OpenID provider.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemas::AccountId;
use schemas::credential::{CredentialCommand, Secret};
use serde::Deserialize;

use super::credential::prove;
use super::session::{self, Behalf};
use super::{Tokens, guarded};
use crate::client_address::ClientAddress;
use crate::http::Problem;
use crate::http::access::AccessToken;
use crate::meters::LoginMethod;
use crate::realm::Realm;

/// OpenID Connect allows no longer one.
const LONGEST_SUBJECT: usize = 255;

/// What the token says of whom it is about. Identity verifies it; here it only tells where to ask.
#[derive(Deserialize)]
struct Claims {
    sub: String,
}

/// What a provider says of somebody.
pub(crate) struct ProvidersWord<'a> {
    /// Its name in the configuration.
    pub(crate) provider: &'a str,
    /// The ID token.
    pub(crate) id_token: String,
    /// What the token has to be bound to.
    pub(crate) nonce: String,
}

/// Logs in by a provider's word. Whom it vouches for for the first time gets an account: a fresh one,
/// or `link`, that of somebody who is logged in.
///
/// # Errors
/// When the token is none, identity refuses it or does not answer; when `link` is asked for and the
/// person has another account.
pub(crate) async fn with_id_token(
    realm: &Realm,
    word: ProvidersWord<'_>,
    link: Option<(AccountId, AccessToken)>,
    client: &ClientAddress,
) -> Result<Tokens, Problem> {
    let logging_in = log_in(realm, word, link, client);
    guarded(realm, LoginMethod::Openid, client, logging_in).await
}

async fn log_in(
    realm: &Realm,
    word: ProvidersWord<'_>,
    link: Option<(AccountId, AccessToken)>,
    client: &ClientAddress,
) -> Result<Tokens, Problem> {
    let subject = subject(&word.id_token).ok_or(Problem::BAD_ID_TOKEN)?;
    let providers = realm.config.oidc.all();
    let mut providers = providers.iter();
    let issuer = providers.find(|issuer| issuer.name == word.provider);
    let issuer = issuer.ok_or(Problem::BAD_ID_TOKEN)?;
    let place = realm.keys.locator.openid(&issuer.issuer, &subject);
    let secret = Secret::IdToken {
        provider: word.provider.to_owned(),
        token: word.id_token,
        nonce: word.nonce,
    };
    let (wanted, warrant) = link.unzip();
    let account = wanted.unwrap_or_else(|| AccountId(rand::random()));
    let granted = prove(realm, place, &secret, |secret, reply_key| {
        CredentialCommand::LogIn {
            account,
            secret,
            reply_key,
        }
    });
    let granted = granted.await?;
    // Whoever wants to keep a guest's character must not find themselves in another account. The grant
    // is not taken, and is good for nothing soon.
    if wanted.is_some_and(|wanted| wanted != granted.account) {
        return Err(Problem::ALREADY_LINKED);
    }
    let behalf = Behalf {
        warrant,
        ..Behalf::default()
    };
    session::open(realm, granted, behalf, client).await
}

/// Of whom a token speaks, unverified.
fn subject(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: Claims = serde_json::from_slice(&payload).ok()?;
    let sound = (1..=LONGEST_SUBJECT).contains(&claims.sub.len());
    (parts.next().is_none() && sound).then_some(claims.sub)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn whom_a_token_is_about_is_read_without_believing_it() {
        let good = token(r#"{"iss":"https://x","sub":"42"}"#);
        assert_eq!(subject(&good).as_deref(), Some("42"));
        for bad in [
            "",
            "a.b",
            "a.b.c",
            &format!("{good}.more"),
            &token("{}"),
            &token(r#"{"sub":""}"#),
            &token(r#"{"sub":42}"#),
            &token(&format!(r#"{{"sub":"{}"}}"#, "x".repeat(256))),
        ] {
            assert_eq!(subject(bad), None, "{bad}");
        }
    }
}
