//! `POST /token`: a code and its verifier for an ID token.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use crate::codes::Shown;
use crate::provider::{Provider, wait};

/// What is asked; unknown fields, such as a client's secret, are let be.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    grant_type: String,
    code: String,
    redirect_uri: String,
    client_id: String,
    code_verifier: String,
}

/// Exchanges a code.
pub(crate) async fn token(
    State(provider): State<Arc<Provider>>,
    asked: Result<Form<Asked>, FormRejection>,
) -> Response {
    let faults = provider.begin_exchange();
    wait(&faults).await;
    if faults.token_endpoint_down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let asked = match asked {
        Ok(Form(asked)) if asked.grant_type == "authorization_code" => asked,
        Ok(_) => return refused("unsupported_grant_type", "only authorization_code"),
        Err(error) => return refused("invalid_request", &error.body_text()),
    };
    let shown = Shown {
        code: &asked.code,
        client_id: &asked.client_id,
        redirect_uri: &asked.redirect_uri,
        verifier: &asked.code_verifier,
    };
    let Some(id_token) = provider.exchange(&shown, &faults) else {
        return refused("invalid_grant", "the code is not good, or its verifier");
    };
    let answer = json!({
        "id_token": id_token,
        // Nothing can be done with it here.
        "access_token": "none",
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "openid email profile",
    });
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

fn refused(error: &str, description: &str) -> Response {
    let answer = json!({ "error": error, "error_description": description });
    (StatusCode::BAD_REQUEST, Json(answer)).into_response()
}
