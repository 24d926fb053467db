//! `GET /v1/oidc/{provider}/callback?code&state`: the browser is back from the provider.
//!
//! Whatever comes of it, the browser is sent on to a page of ours: with the refresh token in a cookie, or with
//! `login_error`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemas::UnixMillis;
use serde::Deserialize;

use super::attempt::{Attempt, AttemptError, LinkAsker};
use super::cookies::{attempt_of, clear_attempt};
use super::exchange::exchange;
use super::failure::Failure;
use super::flow::Flow;
use super::return_path::ReturnPath;
use crate::client_address::ClientAddress;
use crate::http::Problem;
use crate::http::cookies::set_refresh;
use crate::http::in_path::InPath;
use crate::login::{ProvidersWord, Tokens, with_id_token};
use crate::meters;
use crate::realm::Realm;

/// The longest code that is passed on, bytes.
const LONGEST_CODE: usize = 2048;

/// What the provider gives the browser along.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Answer {
    code: Option<String>,
    state: String,
    error: Option<String>,
    /// Who answers (RFC 9207).
    iss: Option<String>,
}

/// Finishes a login.
pub(super) async fn callback(
    State(realm): State<Arc<Realm>>,
    Extension(flow): Extension<Arc<Flow>>,
    InPath(provider): InPath,
    client: ClientAddress,
    headers: HeaderMap,
    answer: Result<Query<Answer>, QueryRejection>,
) -> Result<Response, Problem> {
    let answer = answer.map(|Query(answer)| answer).unwrap_or_default();
    let attempt = opened(&flow, &provider, &headers, &answer);
    let (return_to, secure) = match &attempt {
        Ok(attempt) => {
            let https = attempt.redirect_uri.starts_with("https://");
            (attempt.return_to.clone(), https || client.encrypted)
        }
        Err(_) => (ReturnPath::default(), client.encrypted),
    };
    let finished = match attempt {
        Ok(attempt) => finish(&realm, &flow, &attempt, answer, &client).await,
        Err(failure) => Err(failure),
    };
    match finished {
        Ok(tokens) => {
            let refresh = set_refresh(&tokens.refresh_token, secure).ok_or(Problem::INTERNAL)?;
            sent_on(return_to.as_str(), secure, Some(refresh))
        }
        Err(failure) => {
            meters::refused(failure.label());
            tracing::debug!(%provider, code = failure.code(), "a login through a provider is refused");
            sent_on(&return_to.with_error(failure.code()), secure, None)
        }
    }
}

/// The attempt that this browser has begun with this provider.
fn opened(
    flow: &Flow,
    provider: &str,
    headers: &HeaderMap,
    answer: &Answer,
) -> Result<Attempt, Failure> {
    let cookie = attempt_of(headers).ok_or(Failure::BadState)?;
    let attempt = flow.key.open(cookie, &answer.state, UnixMillis::now());
    let attempt = attempt.map_err(|error| match error {
        AttemptError::Forged => Failure::BadState,
        AttemptError::Old => Failure::Late,
    })?;
    if attempt.provider != provider {
        return Err(Failure::BadState);
    }
    Ok(attempt)
}

async fn finish(
    realm: &Arc<Realm>,
    flow: &Flow,
    attempt: &Attempt,
    answer: Answer,
    client: &ClientAddress,
) -> Result<Tokens, Failure> {
    // The configuration may have changed since; another provider's answer is none to this question.
    let provider = flow.provider(&attempt.provider).ok_or(Failure::BadState)?;
    if answer
        .iss
        .is_some_and(|iss| !provider.issuer.is_spelled(&iss))
    {
        return Err(Failure::BadState);
    }
    match answer.error.as_deref() {
        None => {}
        Some("access_denied") => return Err(Failure::Denied),
        Some(_) => return Err(Failure::Provider),
    }
    let code = answer
        .code
        .filter(|code| (1..=LONGEST_CODE).contains(&code.len()));
    let code = code.ok_or(Failure::Code)?;
    let ended = |asker: &LinkAsker| realm.revoked.has_ended(asker.login);
    if attempt.asker.as_ref().is_some_and(ended) {
        return Err(Problem::SESSION_ENDED.into());
    }
    let word = ProvidersWord {
        provider: &attempt.provider,
        id_token: exchange(&flow.http, provider, attempt, &code).await?,
        nonce: attempt.nonce.clone(),
    };
    let asker = attempt.asker.clone();
    let account = asker.map(|asker| (asker.account, asker.token));
    Ok(with_id_token(realm, word, account, client).await?)
}

/// Sends the browser on; the attempt is over.
fn sent_on(
    location: &str,
    secure: bool,
    refresh: Option<HeaderValue>,
) -> Result<Response, Problem> {
    let location = HeaderValue::from_str(location).map_err(|_| Problem::INTERNAL)?;
    let mut headers = HeaderMap::new();
    headers.insert(header::LOCATION, location);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The code in this address is nobody else's business.
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    let cleared = clear_attempt(secure);
    for cookie in cleared.into_iter().chain(refresh) {
        headers.append(header::SET_COOKIE, cookie);
    }
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}
