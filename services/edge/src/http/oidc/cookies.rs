//! The cookie of a login that has gone to its provider: the sealed attempt, for minutes. It comes back with
//! the provider's redirect, hence `Lax`.

use axum::http::{HeaderMap, HeaderValue};

use super::attempt::GOOD_FOR_MILLIS;
use crate::http::cookies::{cookie, cookie_of};

const ATTEMPT: &str = "worldline_oidc";

/// The sealed attempt that a browser comes back with.
pub(super) fn attempt_of(headers: &HeaderMap) -> Option<&str> {
    cookie_of(headers, ATTEMPT)
}

/// Leaves the attempt with the browser.
pub(super) fn set_attempt(sealed: &str, secure: bool) -> Option<HeaderValue> {
    let seconds = GOOD_FOR_MILLIS / 1000;
    cookie(ATTEMPT, sealed, "/v1/oidc", "Lax", seconds, secure)
}

/// Takes the attempt from the browser.
pub(super) fn clear_attempt(secure: bool) -> Option<HeaderValue> {
    cookie(ATTEMPT, "", "/v1/oidc", "Lax", 0, secure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attempt_comes_back_with_the_redirect() {
        let told = |header: Option<HeaderValue>| {
            let header = header.expect("a cookie");
            header.to_str().expect("a text").to_owned()
        };
        assert_eq!(
            told(set_attempt("x", false)),
            "worldline_oidc=x; Path=/v1/oidc; Max-Age=600; HttpOnly; SameSite=Lax"
        );
        assert!(told(clear_attempt(true)).starts_with("worldline_oidc=; "));
    }
}
