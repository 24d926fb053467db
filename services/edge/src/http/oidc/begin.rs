//! `GET /v1/oidc/{provider}/authorize?return=/`: sends the browser to the provider.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use runtime::form_encoded;
use schemas::UnixMillis;
use serde::Deserialize;

use super::attempt::{Attempt, state_of};
use super::cookies::set_attempt;
use super::flow::Flow;
use super::providers::{Provider, Unreachable};
use super::return_path::ReturnPath;
use crate::client_address::ClientAddress;
use crate::http::Problem;

/// What is asked.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// Where to go after the login.
    #[serde(rename = "return")]
    return_to: Option<String>,
}

/// Begins a login.
pub(super) async fn begin(
    Extension(flow): Extension<Arc<Flow>>,
    Path(provider): Path<String>,
    client: ClientAddress,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let bad_return = || {
        let detail = "`return` has to be a path of this server, such as `/play`.";
        Problem::bad_request("bad_return", detail.into())
    };
    let provider = flow.provider(&provider).ok_or(Problem::NOT_FOUND)?;
    let Query(asked) = asked.map_err(|_| bad_return())?;
    let return_to = match asked.return_to.as_deref() {
        Some(path) => ReturnPath::parse(path).ok_or_else(bad_return)?,
        None => ReturnPath::default(),
    };
    let origin = flow.origin(&headers)?;
    let secure = client.encrypted || origin.starts_with("https://");
    let endpoints = provider.endpoints(&flow.http).await;
    let endpoints = endpoints.map_err(|Unreachable| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "provider_unavailable",
            "The identity provider does not answer now; try again shortly, or log in another way.",
        )
    })?;
    let name = &provider.issuer.name;
    let redirect_uri = format!("{origin}/v1/oidc/{name}/callback");
    let attempt = Attempt::begin(name, redirect_uri, return_to, UnixMillis::now());
    let sealed = flow.key.seal(&attempt);
    let location = address(
        &endpoints.authorization,
        provider,
        &attempt,
        &state_of(&sealed),
    );
    let location = HeaderValue::from_str(&location).map_err(|_| Problem::INTERNAL)?;
    let cookie = set_attempt(&sealed, secure).ok_or(Problem::INTERNAL)?;
    let headers = [
        (header::LOCATION, location),
        (header::SET_COOKIE, cookie),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((StatusCode::FOUND, headers).into_response())
}

/// Where the browser is sent.
fn address(endpoint: &str, provider: &Provider, attempt: &Attempt, state: &str) -> String {
    let query = form_encoded(&[
        ("response_type", "code"),
        ("client_id", &provider.issuer.client_id),
        ("redirect_uri", &attempt.redirect_uri),
        ("scope", &provider.issuer.scope()),
        ("state", state),
        ("nonce", &attempt.nonce),
        ("code_challenge", &attempt.challenge()),
        ("code_challenge_method", "S256"),
    ]);
    let sign = if endpoint.contains('?') { '&' } else { '?' };
    format!("{endpoint}{sign}{query}")
}
