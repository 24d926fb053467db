//! `GET /v1/oidc/providers`: who can be asked; and where each is reached, kept for an hour.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::{Extension, Json};
use runtime::{HttpClient, OidcDiscovery, OidcIssuer};
use serde::Serialize;
use tokio::sync::Mutex;

use super::flow::Flow;

/// From this age on, a description is asked for again; the old one is used if there is no new one.
const FRESH_FOR: Duration = Duration::from_secs(60 * 60);
/// From one question that came to nothing to the next.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// One provider.
pub(super) struct Provider {
    pub(super) issuer: OidcIssuer,
    described: Mutex<Described>,
}

#[derive(Default)]
struct Described {
    at: Option<Endpoints>,
    /// Until when there is nothing to ask.
    quiet_until: Option<Instant>,
}

/// Where a provider is reached.
#[derive(Debug, Clone)]
pub(super) struct Endpoints {
    /// For browsers.
    pub(super) authorization: String,
    /// For us.
    pub(super) token: String,
}

/// The provider cannot be reached now; the reason has been logged.
#[derive(Debug)]
pub(super) struct Unreachable;

impl Provider {
    pub(super) fn new(issuer: OidcIssuer) -> Self {
        Self {
            issuer,
            described: Mutex::default(),
        }
    }

    /// Where it is reached.
    ///
    /// # Errors
    /// When it has never described itself and does not do so now.
    pub(super) async fn endpoints(&self, http: &HttpClient) -> Result<Endpoints, Unreachable> {
        let issuer = &self.issuer;
        let configured = (&issuer.authorization_endpoint, &issuer.token_endpoint);
        if let (Some(authorization), Some(token)) = configured {
            return Ok(Endpoints {
                authorization: authorization.clone(),
                token: token.clone(),
            });
        }
        let mut described = self.described.lock().await;
        let now = Instant::now();
        if described.quiet_until.is_none_or(|until| until <= now) {
            let quiet = match OidcDiscovery::fetch(http, issuer).await {
                Ok(found) => {
                    let (authorization, token) = configured;
                    described.at = Some(Endpoints {
                        authorization: authorization
                            .clone()
                            .unwrap_or(found.authorization_endpoint),
                        token: token.clone().unwrap_or(found.token_endpoint),
                    });
                    FRESH_FOR
                }
                Err(error) => {
                    let told = &error as &dyn std::error::Error;
                    let provider = &issuer.name;
                    tracing::warn!(%provider, error = told, "an identity provider is not described");
                    ASK_EVERY
                }
            };
            described.quiet_until = Some(Instant::now() + quiet);
        }
        described.at.clone().ok_or(Unreachable)
    }
}

/// What is answered.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Providers")]
pub(in crate::http) struct List {
    providers: Vec<Listed>,
}

/// A provider as the page shows it.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Provider")]
struct Listed {
    name: String,
    title: String,
    /// Where the page sends the browser.
    authorize: String,
}

/// Lists the providers.
pub(super) async fn list(Extension(flow): Extension<Arc<Flow>>) -> Json<List> {
    let listed = |provider: &Provider| Listed {
        name: provider.issuer.name.clone(),
        title: provider.issuer.title().to_owned(),
        authorize: format!("/v1/oidc/{}/authorize", provider.issuer.name),
    };
    Json(List {
        providers: flow.providers.iter().map(listed).collect(),
    })
}
