//! All routes of an edge.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post};
use runtime::Health;
use tower_http::set_header::SetResponseHeaderLayer;

use super::guest::guest;
use super::jwks::json_web_keys;
use super::maps::map;
use super::openapi::openapi;
use super::problem::Problem;
use super::start::{WEBSOCKET, start};
use super::throttle::Throttle;
use super::web_client::web_client;
use super::{characters, oidc, password, resources, sessions, tokens};
use crate::client_address::ClientAddress;
use crate::meters;
use crate::realm::Realm;
use crate::ws::upgrade;

/// The largest request body, bytes.
const LARGEST_BODY: usize = 4096;

/// The edge over HTTP.
pub(crate) fn router(realm: Arc<Realm>, health: Health) -> Router {
    let throttle = Arc::new(Throttle::new(realm.config.logins_per_second));
    let logins = Router::new()
        .route("/v1/guest", post(guest))
        .route("/v1/register", post(password::register))
        .route("/v1/login", post(password::log_in))
        .route("/v1/upgrade", post(password::upgrade))
        .route("/v1/password", post(password::change))
        .route("/v1/refresh", post(tokens::refresh))
        .route("/v1/logout", post(sessions::log_out))
        .route("/v1/logout-everywhere", post(sessions::log_out_everywhere))
        .route("/v1/account", get(sessions::account))
        .route("/v1/sessions", get(sessions::sessions))
        .route("/v1/sessions/{id}", delete(sessions::end_session))
        .route(
            "/v1/characters",
            get(characters::list).post(characters::create),
        )
        .route("/v1/characters/{id}", delete(characters::delete))
        .route("/v1/characters/{id}/restore", post(characters::restore))
        .route("/v1/start", post(start))
        .merge(oidc::routes(&realm))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(
            (throttle, Arc::clone(&realm)),
            slow_down,
        ));
    let files = web_client(realm.config.web_dir.as_deref());
    let no_sniffing = SetResponseHeaderLayer::overriding(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    Router::new()
        .merge(logins)
        .route("/.well-known/jwks.json", get(json_web_keys))
        .route("/v1/openapi.json", get(openapi))
        .route("/maps/{file}", get(map))
        .route("/v1/resources", get(resources::gate))
        .route("/v1/files/{sha256}", get(resources::file))
        .route(WEBSOCKET, any(upgrade))
        .merge(files)
        .method_not_allowed_fallback(async || Problem::WRONG_METHOD)
        .with_state(realm)
        .merge(runtime::ops_router(health))
        .layer(no_sniffing)
}

async fn slow_down(
    State((throttle, realm)): State<(Arc<Throttle>, Arc<Realm>)>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(client) = ClientAddress::from_request_parts(&mut parts, &realm).await;
    let request = Request::from_parts(parts, body);
    if !throttle.admit(client.network, Instant::now()) {
        meters::refused("logins");
        return Problem::TOO_MANY.into_response();
    }
    // To its end, whoever has hung up meanwhile: what is on its way to identity is counted as it turns
    // out, and a guess does not become free by not waiting for the answer.
    let answering = tokio::spawn(next.run(request));
    let response = answering.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a request was not answered");
        Problem::INTERNAL.into_response()
    });
    if response.status().is_client_error() {
        throttle.refused(client.network);
    }
    response
}
