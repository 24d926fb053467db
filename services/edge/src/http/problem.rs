//! Problem details for HTTP (RFC 9457), with a stable `code` for programs.

mod known;

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use eventlog::RequestError;
use schemas::keyed::Refusal;
use serde::Serialize;
use serde_json::json;

/// A provider's keys cannot be had, so its word cannot be judged: nobody's failure.
const PROVIDER_AWAY: &str = "oidc_keys_unavailable";

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
        matches!(code, "bad_login" | "bad_id_token" | "nonce_used")
            || (code.starts_with("oidc_") && code != PROVIDER_AWAY)
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
            // Not the asker's doing: rules that broke, or an edge that asks wrongly.
            "fault" | "wrong_key" | "bad_request" => StatusCode::INTERNAL_SERVER_ERROR,
            "no_such_character" | "no_such_account" => StatusCode::NOT_FOUND,
            // An edge that has fetched the newest key and is refused again: the keys are turning.
            "sealed_to_an_old_key" => return Self::UNAVAILABLE,
            PROVIDER_AWAY => StatusCode::SERVICE_UNAVAILABLE,
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
