//! Problem details for HTTP (RFC 9457), with a stable `code` for programs.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use eventlog::RequestError;
use schemas::keyed::Refusal;
use serde::Serialize;
use serde_json::json;

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: Cow<'static, str>,
    /// Seconds until it may be worth trying again.
    retry_after: Option<u64>,
}

/// As it is told.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "Problem")]
pub(super) struct ProblemDetails<'a> {
    /// Always `about:blank`: the code tells.
    #[serde(rename = "type")]
    kind: &'a str,
    /// The status in words.
    title: &'a str,
    /// The status.
    status: u16,
    /// Stable, for programs.
    code: &'a str,
    /// For people: what is wrong and what to do.
    detail: &'a str,
    /// Seconds until it may be worth trying again.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
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
    pub(crate) const TOO_MANY_ATTEMPTS: Self = Self::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_attempts",
        "Too many failed logins from this address; wait and try again.",
    );
    pub(crate) const TOO_MANY_REGISTRATIONS: Self = Self::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_registrations",
        "Too many new accounts from this address; wait and try again.",
    );
    pub(crate) const BUSY: Self = Self::new(
        StatusCode::TOO_MANY_REQUESTS,
        "busy",
        "Too many people are logging in; try again in a moment.",
    );
    pub(crate) const LOG_IN_AGAIN: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "log_in_again",
        "The address has changed since the login; log in again.",
    );
    pub(crate) const SESSION_ENDED: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "session_ended",
        "This login has ended; log in again.",
    );
    pub(crate) const SESSION_UNKNOWN: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "session_unknown",
        "This is no refresh token in force; log in again.",
    );
    pub(crate) const BAD_ID_TOKEN: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "bad_id_token",
        "The provider's word cannot be used; log in again.",
    );
    pub(crate) const ALREADY_LINKED: Self = Self::new(
        StatusCode::CONFLICT,
        "already_linked",
        "Whom the provider vouches for has another account; log in with the provider, or keep this one another way.",
    );
    pub(crate) const NO_PASSWORD: Self = Self::new(
        StatusCode::CONFLICT,
        "no_password",
        "This account has no password that could be changed.",
    );
    pub(crate) const NOT_FROM_OUR_PAGE: Self = Self::new(
        StatusCode::FORBIDDEN,
        "cookie_without_header",
        "A cookie counts only in a request with the header x-worldline-cookie: 1.",
    );
    pub(crate) const UNAVAILABLE: Self = Self::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "unavailable",
        "The world does not answer now; try again shortly.",
    );
    pub(crate) const INTERNAL: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "Something broke on this side; the operators know.",
    );
    pub(crate) const NO_SUCH_CHARACTER: Self = Self::new(
        StatusCode::NOT_FOUND,
        "no_such_character",
        "There is no such character.",
    );
    pub(crate) const NOT_YOURS: Self = Self::new(
        StatusCode::FORBIDDEN,
        "not_yours",
        "This character is not yours; choose one of your own.",
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
            retry_after: None,
        }
    }

    /// And may be worth trying again after so long.
    pub(crate) fn after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self {
            retry_after: Some(seconds.max(1)),
            ..self
        }
    }

    /// What is needed does not answer now.
    pub(crate) fn unavailable(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::warn!(error, "a request has no answer");
        Self::UNAVAILABLE
    }

    /// An answer that was sealed for somebody else, or by another build.
    pub(crate) fn unopened(error: impl std::error::Error + 'static) -> Self {
        let error = &error as &dyn std::error::Error;
        tracing::error!(error, "an answer cannot be opened");
        Self::INTERNAL
    }

    /// Whether somebody has failed to prove who they are.
    pub(crate) fn is_failed_guess(&self) -> bool {
        let code = self.code.as_ref();
        matches!(code, "bad_login" | "bad_id_token" | "nonce_used") || code.starts_with("oidc_")
    }

    /// What it is counted as.
    pub(crate) fn outcome(&self) -> &'static str {
        match self.status.as_u16() {
            429 => "throttled",
            500.. => "failed",
            _ => "refused",
        }
    }

    /// The client is below the least version that is let in.
    pub(crate) fn outdated(detail: String) -> Self {
        Self {
            detail: Cow::Owned(detail),
            ..Self::new(StatusCode::UPGRADE_REQUIRED, "client_outdated", "")
        }
    }

    /// Its stable name for programs.
    pub(crate) fn code(&self) -> &str {
        &self.code
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
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.code.as_str() {
            "bad_login" | "bad_id_token" | "nonce_used" | "session_unknown" | "session_reused"
            | "log_in_again" | "grant_used" | "grant_expired" => StatusCode::UNAUTHORIZED,
            "locked" | "busy" => StatusCode::TOO_MANY_REQUESTS,
            "weak_password" => StatusCode::BAD_REQUEST,
            "not_yours" => StatusCode::FORBIDDEN,
            "bad_request" => StatusCode::INTERNAL_SERVER_ERROR,
            "no_such_character" | "no_such_account" => StatusCode::NOT_FOUND,
            // An edge that has fetched the newest key and is refused again: the keys are turning.
            "sealed_to_an_old_key" => return Self::UNAVAILABLE,
            code if code.starts_with("oidc_") => StatusCode::UNAUTHORIZED,
            _ => StatusCode::CONFLICT,
        };
        Self {
            status,
            code: Cow::Owned(refusal.code),
            detail: Cow::Owned(refusal.message),
            retry_after: refusal.retry_after,
        }
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        Self::unavailable(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let passing = matches!(
            self.status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        let retry_after = self.retry_after.or(passing.then_some(1));
        let details = ProblemDetails {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: &self.code,
            detail: &self.detail,
            retry_after,
        };
        let body = json!(details).to_string();
        let kind = HeaderValue::from_static("application/problem+json");
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, kind);
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
