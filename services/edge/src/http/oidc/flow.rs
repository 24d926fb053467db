//! What the steps of a login through a provider share.

use std::time::Duration;

use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use runtime::HttpClient;

use super::attempt::AttemptKey;
use super::providers::Provider;
use crate::config::Config;
use crate::http::Problem;

/// How long a provider may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The providers of an edge, and what it needs to talk to them.
pub(super) struct Flow {
    pub(super) providers: Vec<Provider>,
    pub(super) key: AttemptKey,
    pub(super) http: HttpClient,
    /// Where browsers reach the edges; empty: where they say they have.
    public_url: String,
}

impl Flow {
    pub(super) fn new(config: &Config) -> Self {
        let providers = config.oidc.all();
        Self {
            providers: providers.into_iter().map(Provider::new).collect(),
            key: AttemptKey::derive(&config.resume_key),
            http: HttpClient::new(PATIENCE),
            public_url: config.oidc.public_url.trim_end_matches('/').to_owned(),
        }
    }

    pub(super) fn provider(&self, name: &str) -> Option<&Provider> {
        let mut providers = self.providers.iter();
        providers.find(|provider| provider.issuer.name == name)
    }

    /// Where the browser has reached this edge, and shall come back to.
    ///
    /// # Errors
    /// When that is not known: what a request says of its host is believed on this machine only.
    pub(super) fn origin(&self, headers: &HeaderMap) -> Result<String, Problem> {
        if !self.public_url.is_empty() {
            return Ok(self.public_url.clone());
        }
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let host = host.filter(|host| is_this_machine(host));
        let host = host.ok_or(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "no_public_url",
            "The operator has to tell under which address this server is reached (oidc.public_url).",
        ))?;
        Ok(format!("http://{host}"))
    }
}

fn is_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    !host.contains('@') && matches!(authority.host(), "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_comes_back_to_the_configured_address_or_to_this_machine() {
        let origin = |public_url: &str, host: &str| {
            let mut config = Config::default();
            config.oidc.public_url = public_url.into();
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a header"));
            Flow::new(&config).origin(&headers).ok()
        };
        let told = |text: &str| Some(text.to_owned());
        for host in ["127.0.0.1:7777", "localhost:7777", "[::1]:7777"] {
            assert_eq!(origin("", host), Some(format!("http://{host}")));
        }
        for host in [
            "evil.test",
            "127.0.0.1.evil.test",
            "localhost@evil.test",
            "",
            "/",
        ] {
            assert_eq!(origin("", host), None, "{host}");
        }
        let public = "https://play.example";
        assert_eq!(origin("https://play.example/", "evil.test"), told(public));
    }
}
