//! Asking other people's HTTP servers: an identity provider's documents, keys and tokens.
//!
//! Everything is bounded: the time of a request, the bytes of its answer, the requests under way. Addresses
//! are `https`, except on this machine; redirects are not followed, so that an answer always is of the host
//! that was asked.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Uri;
use tokio::sync::Semaphore;

/// Requests under way at once; further ones are refused rather than queued.
const AT_ONCE: usize = 16;

/// A client; clones share its connections and bounds.
#[derive(Clone, Debug)]
pub struct HttpClient {
    /// For this machine: never through a proxy.
    near: ureq::Agent,
    /// For all others: through the proxy that the environment names, if it does.
    far: ureq::Agent,
    at_once: Arc<Semaphore>,
}

/// What a server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Where a redirect would lead; it is not followed.
    pub location: Option<String>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Nobody was asked: the address is wrong; somebody has to correct it.
    #[error("the address cannot be used")]
    Url(#[from] UrlError),
    /// Too many requests are under way; try again shortly.
    #[error("{AT_ONCE} requests are under way already; try again shortly")]
    Busy,
    /// The server said more than was expected of it.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// Bytes that were allowed.
        limit: u64,
    },
    /// No connection, no answer in time, or no HTTP; try again later.
    #[error("the server does not answer")]
    Unreachable(#[source] Box<ureq::Error>),
    /// This process is stopping.
    #[error("the request was given up")]
    GivenUp,
}

/// Why an address is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It is no absolute HTTP address.
    #[error("`{0}` is not an address such as `https://accounts.example`")]
    Malformed(String),
    /// Anybody on the way could read and change what is said.
    #[error("`{0}` has to begin with `https://`; only this machine is asked without")]
    Insecure(String),
}

/// Keys and values as they stand in a query or a form.
#[must_use]
pub fn form_encoded(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (key, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        encode(key, &mut text);
        text.push('=');
        encode(value, &mut text);
    }
    text
}

fn encode(plain: &str, to: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in plain.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            to.push(char::from(byte));
        } else {
            let digits = [byte >> 4, byte & 15].map(|digit| HEX[usize::from(digit)]);
            to.push('%');
            to.extend(digits.map(char::from));
        }
    }
}

/// Refuses what is neither `https` nor on this machine.
///
/// # Errors
/// See [`UrlError`].
pub fn check_url(url: &str) -> Result<(), UrlError> {
    parse(url).map(drop)
}

/// The address, and whether it is of this machine.
fn parse(url: &str) -> Result<(Uri, bool), UrlError> {
    let malformed = || UrlError::Malformed(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| malformed())?;
    let authority = uri.authority().ok_or_else(malformed)?;
    let host = authority.host();
    if host.is_empty() || authority.as_str().contains('@') {
        return Err(malformed());
    }
    let near = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
    match uri.scheme_str() {
        Some("https") => Ok((uri, near)),
        Some("http") if near => Ok((uri, near)),
        Some("http") => Err(UrlError::Insecure(url.to_owned())),
        _ => Err(malformed()),
    }
}

impl HttpClient {
    /// A client whose requests take at most `timeout`, from the name's look-up to the last byte.
    #[must_use]
    pub fn new(timeout: Duration) -> Self {
        let config = || {
            ureq::Agent::config_builder()
                .timeout_global(Some(timeout))
                .max_redirects(0)
                .max_redirects_will_error(false)
                .http_status_as_error(false)
                .user_agent("worldline")
        };
        Self {
            near: config().proxy(None).build().new_agent(),
            far: config().build().new_agent(),
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// `GET`, with an answer of at most `limit` bytes.
    ///
    /// # Errors
    /// See [`HttpError`]; a status other than 2xx is an answer.
    pub async fn get(&self, url: &str, limit: u64) -> Result<Answer, HttpError> {
        self.ask(url, limit, |agent, uri| {
            agent.get(uri).header("accept", "application/json").call()
        })
        .await
    }

    /// `POST` of a form, with an answer of at most `limit` bytes.
    ///
    /// # Errors
    /// See [`HttpError`]; a status other than 2xx is an answer.
    pub async fn post_form(
        &self,
        url: &str,
        form: Vec<(&'static str, String)>,
        limit: u64,
    ) -> Result<Answer, HttpError> {
        self.ask(url, limit, move |agent, uri| {
            let request = agent.post(uri).header("accept", "application/json");
            request.send_form(form.iter().map(|(key, value)| (*key, value.as_str())))
        })
        .await
    }

    async fn ask<F>(&self, url: &str, limit: u64, request: F) -> Result<Answer, HttpError>
    where
        F: FnOnce(&ureq::Agent, Uri) -> Result<axum::http::Response<ureq::Body>, ureq::Error>
            + Send
            + 'static,
    {
        let (uri, near) = parse(url)?;
        let slot = self.at_once.clone().try_acquire_owned();
        let slot = slot.map_err(|_| HttpError::Busy)?;
        let agent = if near { &self.near } else { &self.far }.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            let mut response = request(&agent, uri)?;
            let status = response.status().as_u16();
            let location = response.headers().get("location");
            let location = location.and_then(|value| value.to_str().ok());
            let location = location.map(str::to_owned);
            // The library's limit is the first size that it refuses.
            let body = response.body_mut().with_config();
            let body = body.limit(limit.saturating_add(1)).read_to_vec();
            body.map(|body| Answer {
                status,
                location,
                body,
            })
        });
        let answer = asked.await.map_err(|_| HttpError::GivenUp)?;
        answer.map_err(|error| match error {
            ureq::Error::BodyExceedsLimit(_) => HttpError::TooLarge { limit },
            error => HttpError::Unreachable(Box::new(error)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked_in_the_clear() {
        for good in [
            "https://accounts.google.com",
            "http://127.0.0.1:8080/x?y=z",
            "http://localhost:1",
            "http://[::1]:1/",
        ] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "accounts.google.com",
            "/path",
            "ftp://127.0.0.1",
            "https://",
            "http://127.0.0.1.evil.test",
            "http://accounts.google.com",
            "http://127.0.0.1@evil.test",
            "https://user:secret@accounts.google.com",
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_query_holds_any_text() {
        let text = form_encoded(&[("a", "b c&d=e"), ("é", "~/")]);
        assert_eq!(text, "a=b%20c%26d%3De&%C3%A9=~%2F");
    }

    #[tokio::test]
    async fn what_is_too_large_or_elsewhere_is_not_read() {
        use axum::response::Redirect;
        use axum::routing::get;

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = axum::Router::new()
            .route("/large", get(async || "x".repeat(2000)))
            .route("/moved", get(async || Redirect::temporary("/large")));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        let client = HttpClient::new(Duration::from_secs(10));
        let get = async |path: &str, limit| {
            let url = format!("http://{address}{path}");
            client.get(&url, limit).await
        };
        let whole = get("/large", 2000).await.expect("an answer");
        assert_eq!((whole.status, whole.body.len()), (200, 2000));
        let large = get("/large", 1999).await;
        assert!(
            matches!(large, Err(HttpError::TooLarge { .. })),
            "{large:?}"
        );
        let moved = get("/moved", 2000).await.expect("an answer");
        assert_eq!(
            (moved.status, moved.location.as_deref()),
            (307, Some("/large"))
        );
        serving.abort();
        let gone = HttpClient::new(Duration::from_secs(10));
        let gone = gone.get("http://127.0.0.1:1/", 1).await;
        assert!(matches!(gone, Err(HttpError::Unreachable(_))), "{gone:?}");
    }
}
