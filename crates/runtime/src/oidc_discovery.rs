//! An identity provider's own description of itself (OpenID Connect Discovery 1.0).

use serde::Deserialize;

use crate::http_client::{HttpClient, HttpError, UrlError, check_url};
use crate::oidc_issuers::OidcIssuer;

/// The largest description, bytes.
const LARGEST: u64 = 64 * 1024;

/// Where a provider does what.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OidcDiscovery {
    /// Who says so.
    pub issuer: String,
    /// Where a browser is sent to log in.
    pub authorization_endpoint: String,
    /// Where a code is exchanged for tokens.
    pub token_endpoint: String,
    /// Where the public keys are.
    pub jwks_uri: String,
}

/// Why a provider's description cannot be had; the next attempt may go better.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// It does not answer.
    #[error("asking for {url}")]
    Http {
        /// Where.
        url: String,
        /// Why not.
        source: HttpError,
    },
    /// It answers with an error.
    #[error("{url} answers with status {status}")]
    Status {
        /// Where.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// It is not a description.
    #[error("the description of {issuer} cannot be read")]
    Malformed {
        /// Of whom.
        issuer: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It is the description of somebody else.
    #[error("{asked} describes itself as `{told}`")]
    OtherIssuer {
        /// Who was asked.
        asked: String,
        /// Who answers.
        told: String,
    },
    /// One of its addresses is not to be used.
    #[error("the description of {issuer} has an address that cannot be used")]
    Endpoint {
        /// Of whom.
        issuer: String,
        /// Which.
        source: UrlError,
    },
}

impl OidcDiscovery {
    /// Asks a provider for its description and checks it.
    ///
    /// # Errors
    /// See [`DiscoveryError`].
    pub async fn fetch(http: &HttpClient, of: &OidcIssuer) -> Result<Self, DiscoveryError> {
        let issuer = &of.issuer;
        let url = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let answer = http.get(&url, LARGEST).await;
        let answer = answer.map_err(|source| DiscoveryError::Http {
            url: url.clone(),
            source,
        })?;
        if answer.status != 200 {
            let status = answer.status;
            return Err(DiscoveryError::Status { url, status });
        }
        Self::read(&answer.body, of)
    }

    fn read(body: &[u8], of: &OidcIssuer) -> Result<Self, DiscoveryError> {
        let issuer = || of.issuer.clone();
        let read: Self =
            serde_json::from_slice(body).map_err(|source| DiscoveryError::Malformed {
                issuer: issuer(),
                source,
            })?;
        if !of.is_spelled(&read.issuer) {
            return Err(DiscoveryError::OtherIssuer {
                asked: issuer(),
                told: read.issuer,
            });
        }
        for url in [
            &read.authorization_endpoint,
            &read.token_endpoint,
            &read.jwks_uri,
        ] {
            check_url(url).map_err(|source| DiscoveryError::Endpoint {
                issuer: issuer(),
                source,
            })?;
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_of_whom_was_asked_and_leads_nowhere_in_the_clear() {
        let google = OidcIssuer::google("me");
        let described = |issuer: &str, token: &str| {
            let text = serde_json::json!({
                "issuer": issuer,
                "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth",
                "token_endpoint": token,
                "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs",
                "response_types_supported": ["code"],
            });
            OidcDiscovery::read(text.to_string().as_bytes(), &google)
        };
        let token = "https://oauth2.googleapis.com/token";
        assert!(described("https://accounts.google.com", token).is_ok());
        let other = described("https://accounts.google.com.evil.test", token);
        assert!(
            matches!(other, Err(DiscoveryError::OtherIssuer { .. })),
            "{other:?}"
        );
        let clear = described("https://accounts.google.com", "http://token.test/");
        assert!(
            matches!(clear, Err(DiscoveryError::Endpoint { .. })),
            "{clear:?}"
        );
        let nothing = OidcDiscovery::read(b"<html>", &google);
        assert!(
            matches!(nothing, Err(DiscoveryError::Malformed { .. })),
            "{nothing:?}"
        );
    }
}
