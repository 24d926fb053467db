//! Problem details for HTTP (RFC 9457), with a stable `code` for programs.

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use eventlog::RequestError;
use schemas::keyed::Refusal;
use serde_json::json;

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: Cow<'static, str>,
}

impl Problem {
    pub(crate) const BAD_ORIGIN: Self = Self::new(
        StatusCode::FORBIDDEN,
        "bad_origin",
        "Pages of this origin may not connect here.",
    );
    pub(crate) const NO_SUBPROTOCOL: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "no_subprotocol",
        "Ask for the subprotocol worldline.v1.msgpack or worldline.v1.json.",
    );
    pub(crate) const NO_WEBSOCKET: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "no_websocket",
        "Only websockets are opened here.",
    );
    pub(crate) const WRONG_METHOD: Self = Self::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "wrong_method",
        "This cannot be done here with this method.",
    );
    pub(crate) const NOT_LOGGED_IN: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "not_logged_in",
        "The access token is missing, forged or expired; log in again.",
    );
    pub(crate) const BAD_GUEST_TOKEN: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "bad_login",
        "This is no guest token; begin as a new guest.",
    );
    pub(crate) const TOO_MANY: Self = Self::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_requests",
        "Too many requests from this address; wait a moment.",
    );
    pub(crate) const INTERNAL: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "Something broke on this side; the operators know.",
    );
    pub(crate) const NOT_FOUND: Self =
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here.");

    pub(crate) const UNREADABLE: Self = Self::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "The file cannot be read now; try again shortly, or another of its addresses.",
    );

    pub(crate) const fn new(status: StatusCode, code: &'static str, detail: &'static str) -> Self {
        Self {
            status,
            code: Cow::Borrowed(code),
            detail: Cow::Borrowed(detail),
        }
    }

    /// The client is below the least version that is let in.
    pub(crate) fn outdated(detail: String) -> Self {
        Self {
            detail: Cow::Owned(detail),
            ..Self::new(StatusCode::UPGRADE_REQUIRED, "client_outdated", "")
        }
    }

    /// The request cannot be understood.
    pub(crate) fn bad_request(code: &'static str, detail: String) -> Self {
        Self {
            detail: Cow::Owned(detail),
            ..Self::new(StatusCode::BAD_REQUEST, code, "")
        }
    }
}

impl From<Refusal> for Problem {
    /// The services' refusals keep their codes.
    fn from(Refusal { code, message, .. }: Refusal) -> Self {
        let status = match code.as_str() {
            "bad_login" => StatusCode::UNAUTHORIZED,
            "not_yours" => StatusCode::FORBIDDEN,
            "no_such_character" | "no_such_account" => StatusCode::NOT_FOUND,
            _ => StatusCode::CONFLICT,
        };
        Self {
            status,
            code: Cow::Owned(code),
            detail: Cow::Owned(message),
        }
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        let told = &error as &dyn std::error::Error;
        tracing::warn!(error = told, "a request has no answer");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The world does not answer now; try again shortly.",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        let kind = HeaderValue::from_static("application/problem+json");
        let mut response = (self.status, body.to_string()).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if matches!(
            self.status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        ) {
            let soon = HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, soon);
        }
        response
    }
}
