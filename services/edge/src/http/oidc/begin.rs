//! `GET /v1/oidc/{provider}/authorize?return=/`: sends the browser to the provider.

use std::sync::Arc;

use axum::Extension;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use runtime::form_encoded;
use schemas::UnixMillis;
use serde::Deserialize;

use super::attempt::{Attempt, LinkAsker, state_of};
use super::cookies::set_attempt;
use super::failure::Failure;
use super::flow::Flow;
use super::providers::{Provider, Unreachable};
use super::return_path::ReturnPath;
use crate::client_address::ClientAddress;
use crate::http::Problem;
use crate::http::in_path::InPath;
use crate::meters;

/// The provider is not reached.
const UNAVAILABLE: Problem = Problem::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "provider_unavailable",
    "The identity provider does not answer now; try again shortly, or log in another way.",
);

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
    InPath(provider): InPath,
    client: ClientAddress,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let provider = flow.provider(&provider).ok_or(Problem::NOT_FOUND)?;
    let Query(asked) = asked.map_err(|_| bad_return())?;
    let return_to = return_path(asked.return_to.as_deref())?;
    let from = (&headers, &client);
    match begun(&flow, provider, from, return_to.clone(), None).await {
        Ok(Begun { location, cookie }) => {
            let location = HeaderValue::from_str(&location).map_err(|_| Problem::INTERNAL)?;
            let headers = [
                (header::LOCATION, location),
                (header::SET_COOKIE, cookie),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            Ok((StatusCode::FOUND, headers).into_response())
        }
        // Somebody who has followed a link of the page is not shown JSON.
        Err(problem) if problem == UNAVAILABLE && wants_a_page(&headers) => {
            Ok(Redirect::to(&return_to.with_error(problem.code())).into_response())
        }
        Err(problem) => Err(problem),
    }
}

/// A login that has been begun.
pub(super) struct Begun {
    /// Where the browser has to go.
    pub(super) location: String,
    /// What it has to come back with.
    pub(super) cookie: HeaderValue,
}

/// Begins a login with `provider` in the browser that sends `headers`.
///
/// # Errors
/// When the provider is not reached, or it is not known where browsers reach this server.
pub(super) async fn begun(
    flow: &Flow,
    provider: &Provider,
    (headers, client): (&HeaderMap, &ClientAddress),
    return_to: ReturnPath,
    asker: Option<LinkAsker>,
) -> Result<Begun, Problem> {
    let origin = flow.origin(headers)?;
    let secure = client.encrypted || origin.starts_with("https://");
    let endpoints = provider.endpoints(&flow.http).await;
    let endpoints = endpoints.map_err(|Unreachable| {
        meters::refused(Failure::Unavailable.label());
        UNAVAILABLE
    })?;
    let name = &provider.issuer.name;
    let redirect_uri = format!("{origin}/v1/oidc/{name}/callback");
    let attempt = Attempt::begin(name, redirect_uri, return_to, asker, UnixMillis::now());
    let sealed = flow.key.seal(&attempt);
    let state = state_of(&sealed);
    Ok(Begun {
        location: address(&endpoints.authorization, provider, &attempt, &state),
        cookie: set_attempt(&sealed, secure).ok_or(Problem::INTERNAL)?,
    })
}

/// Where to go in the end.
///
/// # Errors
/// When that could be elsewhere.
pub(super) fn return_path(asked: Option<&str>) -> Result<ReturnPath, Problem> {
    asked.map_or_else(
        || Ok(ReturnPath::default()),
        |path| ReturnPath::parse(path).ok_or_else(bad_return),
    )
}

fn bad_return() -> Problem {
    let detail = "`return` has to be a path of this server, such as `/play`.";
    Problem::bad_request("bad_return", detail.into())
}

/// Whether a browser asks for something to show, and not a program.
fn wants_a_page(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(header::ACCEPT).iter();
    let mut lists = lists.filter_map(|list| list.to_str().ok());
    lists.any(|list| list.contains("text/html"))
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
