//! Bodies of requests: JSON of a known shape, or a problem that says what is missing.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// What is asked.
pub(super) struct Body<T>(pub(super) T);

impl<S, T> FromRequest<S> for Body<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = Problem;

    /// # Errors
    /// When it is not JSON, not of that shape, or too long.
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Json(body) = Json::from_request(request, state)
            .await
            .map_err(|rejection| Problem::bad_request("bad_json", why(&rejection).into()))?;
        Ok(Self(body))
    }
}

/// What is wrong, without a word of what was sent: it may be a password in the wrong place.
const fn why(rejection: &JsonRejection) -> &'static str {
    match rejection {
        JsonRejection::JsonSyntaxError(_) => "This is not JSON.",
        JsonRejection::JsonDataError(_) => {
            "Something is missing or of another type than /v1/openapi.json says."
        }
        JsonRejection::MissingJsonContentType(_) => "Send JSON, as content-type application/json.",
        _ => "The body is too long or did not come whole.",
    }
}
