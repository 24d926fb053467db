//! The one part of a path that differs.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::problem::Problem;

/// What stands between the slashes, decoded.
pub(super) struct PathPart(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for PathPart {
    type Rejection = Problem;

    /// # Errors
    /// When it is no text: then there is nothing there.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let part = Path::from_request_parts(parts, state).await;
        let Path(part) = part.map_err(|_| Problem::NOT_FOUND)?;
        Ok(Self(part))
    }
}
