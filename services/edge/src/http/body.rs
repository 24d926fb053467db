//! Bodies of requests: JSON of a known shape, or a problem that says what is missing.

use axum::Json;
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
            .map_err(|rejection| {
                // What it says is about the shape; of what was sent it quotes at most one word.
                Problem::bad_request("bad_json", format!("{}.", rejection.body_text()))
            })?;
        Ok(Self(body))
    }
}
