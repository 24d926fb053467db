//! A code for an ID token, from server to server.

use runtime::HttpClient;
use serde::Deserialize;

use super::attempt::Attempt;
use super::failure::Failure;
use super::providers::{Provider, Unreachable};

/// The largest answer, bytes.
const LARGEST: u64 = 64 * 1024;

/// Exchanges the code that the browser has come back with.
///
/// # Errors
/// When the provider refuses or does not answer.
pub(super) async fn exchange(
    http: &HttpClient,
    provider: &Provider,
    attempt: &Attempt,
    code: &str,
) -> Result<String, Failure> {
    let endpoints = provider.endpoints(http).await;
    let endpoints = endpoints.map_err(|Unreachable| Failure::Unavailable)?;
    let issuer = &provider.issuer;
    let mut form = vec![
        ("grant_type", "authorization_code".to_owned()),
        ("code", code.to_owned()),
        ("redirect_uri", attempt.redirect_uri.clone()),
        ("client_id", issuer.client_id.clone()),
        ("code_verifier", attempt.verifier.clone()),
    ];
    if !issuer.client_secret.expose().is_empty() {
        form.push(("client_secret", issuer.client_secret.expose().clone()));
    }
    let name = &issuer.name;
    let answer = http.post_form(&endpoints.token, form, LARGEST).await;
    let answer = answer.map_err(|error| {
        let told = &error as &dyn std::error::Error;
        tracing::warn!(provider = %name, error = told, "a code could not be exchanged");
        Failure::Unavailable
    })?;
    read(name, answer.status, &answer.body)
}

/// The token in an answer (RFC 6749, section 5; `OpenID` Connect Core, section 3.1.3.3).
fn read(provider: &str, status: u16, body: &[u8]) -> Result<String, Failure> {
    #[derive(Deserialize)]
    struct Given {
        id_token: String,
    }
    #[derive(Deserialize)]
    struct Refused {
        error: String,
    }
    if status == 200 {
        let given = serde_json::from_slice::<Given>(body);
        return given.map(|given| given.id_token).map_err(|_| {
            tracing::warn!(%provider, "the provider gives no ID token for a code");
            Failure::Provider
        });
    }
    let refused = serde_json::from_slice::<Refused>(body);
    let error = refused.map(|refused| refused.error).unwrap_or_default();
    match (status, error.as_str()) {
        (_, "invalid_grant") => Err(Failure::Code),
        (500.., _) | (429, _) => {
            tracing::warn!(%provider, status, "a code could not be exchanged");
            Err(Failure::Unavailable)
        }
        _ => {
            // The client's id, its secret or its address is not as the provider knows it.
            tracing::warn!(%provider, status, error = error.escape_debug().to_string(), "the provider refuses this client");
            Err(Failure::Provider)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_leads_to_what_can_be_done_about_it() {
        let read = |status, body: &str| read("dev", status, body.as_bytes());
        let given = read(200, r#"{"id_token":"a.b.c","expires_in":1}"#);
        assert_eq!(given, Ok("a.b.c".into()));
        let grant = r#"{"error":"invalid_grant"}"#;
        assert_eq!(read(400, grant), Err(Failure::Code));
        let client = r#"{"error":"invalid_client"}"#;
        assert_eq!(read(401, client), Err(Failure::Provider));
        assert_eq!(read(200, r#"{"access_token":"x"}"#), Err(Failure::Provider));
        assert_eq!(read(302, ""), Err(Failure::Provider));
        assert_eq!(read(503, "<html>"), Err(Failure::Unavailable));
        assert_eq!(read(429, ""), Err(Failure::Unavailable));
    }
}
