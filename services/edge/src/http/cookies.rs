//! Cookies: for no script to read, and the refresh token's for no other site to send.
//!
//! A browser that asks with `x-worldline-cookie: 1` gets its refresh token as a cookie instead of in
//! the answer. Another site's page cannot send that header, so a request in which the cookie shall count
//! has to carry it too.

use axum::http::{HeaderMap, HeaderValue, header};

/// The refresh token's.
const REFRESH: &str = "worldline_refresh";
/// How long a browser keeps the refresh token unless it is renewed, s; identity decides how long
/// it is good.
const REFRESH_KEPT: u64 = 30 * 24 * 60 * 60;
/// The header of a page that wants cookies.
const WANTED: &str = "x-worldline-cookie";

/// Whether a page of ours asks, and wants its refresh token as a cookie.
pub(super) fn wanted(headers: &HeaderMap) -> bool {
    headers.get(WANTED).is_some_and(|value| value == "1")
}

/// The refresh token that a browser sends along.
pub(super) fn refresh_of(headers: &HeaderMap) -> Option<&str> {
    cookie_of(headers, REFRESH).filter(|token| !token.is_empty())
}

/// Leaves the refresh token with the browser.
pub(super) fn set_refresh(token: &str, secure: bool) -> Option<HeaderValue> {
    cookie(REFRESH, token, "/v1", "Strict", REFRESH_KEPT, secure)
}

/// Takes the refresh token from the browser.
pub(super) fn clear_refresh(secure: bool) -> Option<HeaderValue> {
    cookie(REFRESH, "", "/v1", "Strict", 0, secure)
}

/// The value of the first cookie of that name.
pub(super) fn cookie_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lists = headers.get_all(header::COOKIE).iter();
    let mut cookies = lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='));
    let found = cookies.find(|(found, _)| *found == name);
    found.map(|(_, value)| value)
}

/// `None` when the value cannot stand in a header.
pub(super) fn cookie(
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
            told(clear_refresh(false)),
            "worldline_refresh=; Path=/v1; Max-Age=0; HttpOnly; SameSite=Strict"
        );
        for bad in ["a;b", "a b", "a\r\nb", "é"] {
            assert!(set_refresh(bad, true).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let found = |list: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_static(list));
            refresh_of(&headers).map(str::to_owned)
        };
        assert_eq!(
            found("a=b; worldline_refresh=x-y; c=d").as_deref(),
            Some("x-y")
        );
        assert_eq!(found("worldline_refresh=x").as_deref(), Some("x"));
        assert_eq!(found("not_worldline_refresh=x; worldline_refresh"), None);
        assert_eq!(found("worldline_refresh="), None);
    }
}
