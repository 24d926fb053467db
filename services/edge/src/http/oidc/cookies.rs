//! The two cookies of a login: the sealed attempt, for minutes, and the refresh token.
//!
//! No script can read either. The attempt's comes back with the provider's redirect (`Lax`); the refresh token
//! is sent from our own pages only (`Strict`), and to `/v1` only.

use axum::http::{HeaderMap, HeaderValue, header};

use super::attempt::GOOD_FOR_MILLIS;

const ATTEMPT: &str = "worldline_oidc";
/// The name of the refresh token's cookie.
const REFRESH: &str = "worldline_refresh";
/// How long a browser keeps the refresh token unless it is renewed, s; identity decides how long it is good.
const REFRESH_KEPT: u64 = 30 * 24 * 60 * 60;

/// The sealed attempt that a browser comes back with.
pub(super) fn attempt_of(headers: &HeaderMap) -> Option<&str> {
    let lists = headers.get_all(header::COOKIE).iter();
    let mut cookies = lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='));
    let found = cookies.find(|(name, _)| *name == ATTEMPT);
    found.map(|(_, value)| value)
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

/// Leaves the refresh token with the browser.
pub(super) fn set_refresh(token: &str, secure: bool) -> Option<HeaderValue> {
    cookie(REFRESH, token, "/v1", "Strict", REFRESH_KEPT, secure)
}

/// `None` when the value cannot stand in a header.
fn cookie(
    name: &str,
    value: &str,
    path: &str,
    same_site: &str,
    seconds: u64,
    secure: bool,
) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!(
        "{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite={same_site}{secure}"
    );
    let plain = value
        .bytes()
        .all(|c| c.is_ascii_graphic() && !b";,\"\\".contains(&c));
    plain
        .then(|| HeaderValue::from_str(&text).ok())?
        .map(|mut header| {
            header.set_sensitive(true);
            header
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_for_no_script_and_for_no_other_site() {
        let told = |header: Option<HeaderValue>| {
            let header = header.expect("a cookie");
            header.to_str().expect("a text").to_owned()
        };
        assert_eq!(
            told(set_refresh("a.b-c_d", true)),
            "worldline_refresh=a.b-c_d; Path=/v1; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(
            told(set_attempt("x", false)),
            "worldline_oidc=x; Path=/v1/oidc; Max-Age=600; HttpOnly; SameSite=Lax"
        );
        assert!(told(clear_attempt(true)).starts_with("worldline_oidc=; "));
        for bad in ["a;b", "a b", "a\r\nb", "é"] {
            assert!(set_refresh(bad, true).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn the_attempt_is_found_among_other_cookies() {
        let found = |list: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_static(list));
            attempt_of(&headers).map(str::to_owned)
        };
        assert_eq!(
            found("a=b; worldline_oidc=x-y; c=d").as_deref(),
            Some("x-y")
        );
        assert_eq!(found("worldline_oidc=x").as_deref(), Some("x"));
        assert_eq!(found("not_worldline_oidc=x; worldline_oidc"), None);
    }
}
