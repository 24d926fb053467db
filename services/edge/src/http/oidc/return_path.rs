//! Where a browser goes after the login: a path of this server, never another one's.

use serde::{Deserialize, Serialize};

/// The longest that is kept, bytes.
const LONGEST: usize = 512;

/// A path of this server, with a query perhaps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReturnPath(String);

impl Default for ReturnPath {
    fn default() -> Self {
        Self("/".into())
    }
}

impl ReturnPath {
    /// A path as a page asks for it; `None` when it could lead elsewhere.
    ///
    /// Browsers take `\` for `/`, and leave tabs and line breaks out: all but plain letters is refused.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let plain = |c: u8| c.is_ascii_graphic() && !b"\\#\"'<>`{}|^".contains(&c);
        let path = text.split('?').next().unwrap_or_default();
        let good = text.len() <= LONGEST
            && text.bytes().all(plain)
            && path.starts_with('/')
            && !path.contains("//")
            // Nobody is sent to do something.
            && !path.starts_with("/v1/");
        good.then(|| Self(text.to_owned()))
    }

    /// As it is written.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The path with why the login has failed, for the page to tell.
    pub(super) fn with_error(&self, code: &str) -> String {
        let sign = if self.0.contains('?') { '&' } else { '?' };
        let code = runtime::form_encoded(&[("login_error", code)]);
        format!("{}{sign}{code}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_server_are_returned_to() {
        for good in ["/", "/play", "/play?area=harbor-1&x=%2F", "/a/b.html?u=//x"] {
            assert_eq!(ReturnPath::parse(good).expect(good).as_str(), good);
        }
        for bad in [
            "",
            "play",
            "//evil.test",
            "///evil.test",
            "/\\evil.test",
            "\\\\evil.test",
            "/\t/evil.test",
            "/\n/evil.test",
            "/.//evil.test",
            " //evil.test",
            "https://evil.test",
            "https:evil.test",
            "javascript:alert(1)",
            "/x\r\nSet-Cookie: a=b",
            "/é",
            "/#fragment",
            "/\"><script>",
            "/v1/logout",
            &format!("/{}", "x".repeat(LONGEST)),
        ] {
            assert_eq!(ReturnPath::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_failure_is_told_in_the_query() {
        let path = |text| ReturnPath::parse(text).expect("a path");
        assert_eq!(path("/").with_error("a b"), "/?login_error=a%20b");
        assert_eq!(path("/p?x=1").with_error("no"), "/p?x=1&login_error=no");
    }
}
