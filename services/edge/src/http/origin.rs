//! Which pages may open a websocket here: our own, and those on an exact list.

use axum::http::{HeaderMap, header};

/// Whether a browser's page may connect; other programs send no origin and may.
pub(crate) fn origin_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else {
        return !headers.contains_key(header::ORIGIN);
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    if allowed.iter().any(|exact| exact == origin) {
        return true;
    }
    let ours = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = ["http://", "https://"]
        .iter()
        .find_map(|scheme| origin.strip_prefix(scheme));
    host.is_some() && host == ours
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "game.example:7777".parse().expect("a host"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().expect("an origin"));
        }
        origin_allowed(&headers, &["https://play.example".into()])
    }

    #[test]
    fn only_our_own_pages_and_those_listed() {
        for good in [
            None,
            Some("http://game.example:7777"),
            Some("https://play.example"),
        ] {
            assert!(allowed(good), "{good:?}");
        }
        for bad in [
            "null",
            "http://game.example",
            "http://play.example",
            "https://play.example.evil.test",
            "https://play.example:443",
            "game.example:7777",
        ] {
            assert!(!allowed(Some(bad)), "{bad}");
        }
    }
}
