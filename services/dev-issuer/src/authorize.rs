//! `GET /authorize`: a page on which one chooses who to be, or `?persona=ada` to have chosen.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{Html, IntoResponse, Redirect, Response};
use runtime::form_encoded;
use serde::Deserialize;

use crate::codes::Grant;
use crate::page::choice;
use crate::personas;
use crate::provider::{Provider, wait};

/// What is asked.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    response_type: String,
    client_id: String,
    redirect_uri: String,
    scope: String,
    #[serde(default)]
    state: String,
    nonce: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    persona: Option<String>,
}

/// Shows the personas, or sends the browser back as one of them.
pub(crate) async fn authorize(
    State(provider): State<Arc<Provider>>,
    OriginalUri(uri): OriginalUri,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    wait(&provider.faults()).await;
    let asked = match asked {
        Ok(Query(asked)) => asked,
        Err(error) => return refused(&error.body_text()),
    };
    if !on_this_machine(&asked.redirect_uri) {
        return refused("redirect_uri has to be an http:// address of this machine");
    }
    let challenge = match granted(&asked) {
        Ok(challenge) => challenge.to_owned(),
        Err(error) => return back(&provider, &asked, &[("error", error)]),
    };
    let Some(persona) = &asked.persona else {
        return Html(choice(&asked.client_id, uri.query().unwrap_or_default())).into_response();
    };
    if persona == "nobody" {
        return back(&provider, &asked, &[("error", "access_denied")]);
    }
    let Some(persona) = personas::find(persona) else {
        return refused("there is no such persona");
    };
    let code = provider.give_code(Grant {
        persona,
        client_id: asked.client_id.clone(),
        redirect_uri: asked.redirect_uri.clone(),
        nonce: asked.nonce.clone(),
        challenge,
    });
    back(&provider, &asked, &[("code", &code)])
}

/// The PKCE challenge of a request that is in order.
fn granted(asked: &Asked) -> Result<&str, &'static str> {
    if asked.response_type != "code" {
        return Err("unsupported_response_type");
    }
    if !asked.scope.split(' ').any(|scope| scope == "openid") {
        return Err("invalid_scope");
    }
    let method = asked.code_challenge_method.as_deref();
    match asked.code_challenge.as_deref() {
        // A SHA-256 in base64url.
        Some(challenge) if method == Some("S256") && challenge.len() == 43 => Ok(challenge),
        _ => Err("invalid_request"),
    }
}

fn on_this_machine(redirect: &str) -> bool {
    let Ok(uri) = redirect.parse::<Uri>() else {
        return false;
    };
    uri.scheme_str() == Some("http")
        && !redirect.contains('@')
        && matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]"))
}

/// Sends the browser back to the client.
fn back(provider: &Provider, asked: &Asked, answer: &[(&str, &str)]) -> Response {
    let more = [
        ("state", asked.state.as_str()),
        ("iss", provider.issuer.as_str()),
    ];
    let query = form_encoded(&[answer, &more].concat());
    let redirect = &asked.redirect_uri;
    let sign = if redirect.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{redirect}{sign}{query}")).into_response()
}

fn refused(why: &str) -> Response {
    (StatusCode::BAD_REQUEST, why.to_owned()).into_response()
}
