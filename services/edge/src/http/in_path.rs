//! The one part of an address that a route leaves open.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::problem::Problem;

/// What stands there.
pub(super) struct InPath(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for InPath {
    type Rejection = Problem;

    /// # Errors
    /// When it is no text: nothing of ours has such a name.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(part)| Self(part))
            .map_err(|_| Problem::NOT_FOUND)
    }
}
