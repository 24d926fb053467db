//! Who asks: the access token of a request, and the address it comes from.

use std::fmt;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use schemas::{AccountId, LoginId};
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::client_address::ClientAddress;
use crate::realm::Realm;

/// Somebody who is logged in, proven by `Authorization: Bearer …`.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// As whom.
    pub(crate) account: AccountId,
    /// In which login session.
    pub(crate) login: LoginId,
    /// From where.
    pub(crate) client: ClientAddress,
    /// The proof itself, for identity: it takes no edge's word for it.
    pub(crate) token: AccessToken,
}

/// An access token as it came.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct AccessToken(pub(crate) String);

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken([redacted])")
    }
}

impl FromRequestParts<Arc<Realm>> for Caller {
    type Rejection = Problem;

    /// # Errors
    /// When there is no token, or it is forged, expired or revoked.
    async fn from_request_parts(parts: &mut Parts, realm: &Arc<Realm>) -> Result<Self, Problem> {
        let Ok(client) = ClientAddress::from_request_parts(parts, realm).await;
        let header = parts.headers.get(header::AUTHORIZATION);
        let token = header
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        let token = token.ok_or(Problem::NOT_LOGGED_IN)?;
        let claims = realm.identity_keys.access(token.trim()).await;
        let claims = claims.ok_or(Problem::NOT_LOGGED_IN)?;
        if realm.revoked.has_ended(claims.sid) {
            return Err(Problem::SESSION_ENDED);
        }
        if claims.adr.is_some_and(|address| address != client.tag) {
            return Err(Problem::LOG_IN_AGAIN);
        }
        Ok(Self {
            account: claims.sub,
            login: claims.sid,
            client,
            token: AccessToken(token.trim().to_owned()),
        })
    }
}
