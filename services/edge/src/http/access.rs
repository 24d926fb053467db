//! Who asks: the access token of a request.

use axum::http::{HeaderMap, header};
use schemas::AccountId;

use super::problem::Problem;
use crate::keys::Keys;

/// The account that a request's `Authorization: Bearer …` proves.
///
/// # Errors
/// When there is none, or it is forged or expired.
pub(super) fn account(headers: &HeaderMap, keys: &Keys) -> Result<AccountId, Problem> {
    let header = headers.get(header::AUTHORIZATION);
    let token = header
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let claims = token.and_then(|token| keys.access(token.trim()));
    claims
        .map(|claims| claims.sub)
        .ok_or(Problem::NOT_LOGGED_IN)
}
