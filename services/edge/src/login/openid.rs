//! Logging in by the word of an OpenID provider.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemas::AccountId;
use schemas::credential::{CredentialCommand, Secret};
use serde::Deserialize;

use super::credential::prove;
use super::{Tokens, guarded, session};
use crate::client_address::ClientAddress;
use crate::http::Problem;
use crate::meters::LoginMethod;
use crate::realm::Realm;

/// OpenID Connect allows no longer one.
const LONGEST_SUBJECT: usize = 255;

/// What the token says of whom it is about. Identity verifies it; here it only tells where to ask.
#[derive(Deserialize)]
struct Claims {
    sub: String,
}

/// Logs in with an ID token of `provider`, bound to `nonce`. Whom the provider vouches for for the
/// first time gets an account.
///
/// # Errors
/// When the token is none, identity refuses it or does not answer.
pub(crate) async fn with_id_token(
    realm: &Realm,
    provider: &str,
    id_token: String,
    nonce: String,
    client: &ClientAddress,
) -> Result<Tokens, Problem> {
    let logging_in = log_in(realm, provider, id_token, nonce, client);
    guarded(realm, LoginMethod::Openid, client, logging_in).await
}

async fn log_in(
    realm: &Realm,
    provider: &str,
    id_token: String,
    nonce: String,
    client: &ClientAddress,
) -> Result<Tokens, Problem> {
    let subject = subject(&id_token).ok_or(Problem::BAD_ID_TOKEN)?;
    let providers = realm.config.oidc.all();
    let issuer = providers.iter().find(|issuer| issuer.name == provider);
    let issuer = issuer.ok_or(Problem::BAD_ID_TOKEN)?;
    let place = realm.keys.locator.openid(&issuer.issuer, &subject);
    let secret = Secret::IdToken {
        provider: provider.to_owned(),
        token: id_token,
        nonce,
    };
    let account = AccountId(rand::random());
    let granted = prove(realm, place, &secret, |secret, reply_key| {
        CredentialCommand::LogIn {
            account,
            secret,
            reply_key,
        }
    });
    session::open(realm, granted.await?, client).await
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
