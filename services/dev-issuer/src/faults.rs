//! What can be made wrong, and the port where it is ordered.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::provider::Provider;

/// The faults in force; all off is a provider in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// `iss` names `https://issuer.invalid`.
    pub wrong_issuer: bool,
    /// `aud` names another client.
    pub wrong_audience: bool,
    /// `aud` names the client and another one; there is no `azp`.
    pub many_audiences: bool,
    /// `azp` names another client.
    pub wrong_azp: bool,
    /// `exp` is two minutes ago, `iat` three.
    pub expired: bool,
    /// `iat` is in five minutes.
    pub issued_in_future: bool,
    /// `iat` is an hour ago, `exp` still ahead.
    pub issued_long_ago: bool,
    /// `nonce` is another one.
    pub wrong_nonce: bool,
    /// There is no `nonce`.
    pub missing_nonce: bool,
    /// There is no `sub`.
    pub missing_subject: bool,
    /// `kid` names a key that does not exist.
    pub unknown_kid: bool,
    /// One bit of the signature is another one.
    pub bad_signature: bool,
    /// `alg` is `none`, the signature empty.
    pub alg_none: bool,
    /// `alg` is `HS256`, the public key the secret.
    pub alg_hs256: bool,
    /// `alg` is one that the named key cannot have made.
    pub alg_of_other_key: bool,
    /// The token is larger than anybody should read.
    pub oversized: bool,
    /// Tokens are signed with a fresh key from now on; the former stays in the key set.
    pub rotate_keys: bool,
    /// As `rotate_keys`, and all former keys are gone from the key set.
    pub forget_keys: bool,
    /// The key set is answered with status 503.
    pub jwks_down: bool,
    /// The key set is no key set.
    pub jwks_garbage: bool,
    /// The token endpoint answers with status 503.
    pub token_endpoint_down: bool,
    /// The description names another issuer.
    pub discovery_of_other: bool,
    /// Every answer waits so long, ms; at most a minute.
    pub slow_ms: u64,
    /// The faults end with the first token, or key set if they are of that, that they spoil.
    pub once: bool,
}

/// What has been asked since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Descriptions.
    pub discovery: u64,
    /// Key sets.
    pub jwks: u64,
    /// Codes given out.
    pub codes: u64,
    /// Exchanges asked for, refused ones too.
    pub exchanges: u64,
}

impl Faults {
    /// Whether anything of a token, or its endpoint, is wrong.
    pub(crate) fn spoil_tokens(&self) -> bool {
        let keys_only = Self {
            jwks_down: self.jwks_down,
            jwks_garbage: self.jwks_garbage,
            discovery_of_other: self.discovery_of_other,
            slow_ms: self.slow_ms,
            once: self.once,
            ..Self::default()
        };
        *self != keys_only
    }

    /// Whether the key set is wrong.
    pub(crate) fn spoil_keys(&self) -> bool {
        self.jwks_down || self.jwks_garbage
    }
}

/// The second port: `POST` replaces the faults, `DELETE` ends them, `GET` shows them and the counts.
pub(crate) fn router(provider: Arc<Provider>) -> Router {
    let faults = get(shown).post(ordered).delete(ended);
    Router::new().route("/faults", faults).with_state(provider)
}

async fn shown(State(provider): State<Arc<Provider>>) -> impl IntoResponse {
    Json(serde_json::json!({
        "faults": provider.faults(),
        "counts": provider.counts(),
    }))
}

async fn ordered(State(provider): State<Arc<Provider>>, Json(faults): Json<Faults>) -> StatusCode {
    // A fresh RSA key takes a while.
    match tokio::task::spawn_blocking(move || provider.order(faults)).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn ended(State(provider): State<Arc<Provider>>) -> StatusCode {
    provider.order(Faults::default());
    StatusCode::NO_CONTENT
}
