//! `GET /.well-known/jwks.json`: what verifies access tokens, for whoever else believes them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use crate::realm::Realm;

/// The key set. A new key is here before it signs; five minutes old is fresh enough.
pub(super) async fn json_web_keys(State(realm): State<Arc<Realm>>) -> impl IntoResponse {
    let kept = [(header::CACHE_CONTROL, "public, max-age=300")];
    (kept, Json(realm.identity_keys.json_web_keys()))
}
