//! All routes of an edge.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use runtime::Health;
use tower_http::set_header::SetResponseHeaderLayer;

use super::guest::guest;
use super::maps::map;
use super::oidc;
use super::problem::Problem;
use super::resources;
use super::start::{WEBSOCKET, start};
use super::throttle::Throttle;
use super::web_client::web_client;
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
        .route("/v1/start", post(start))
        .merge(oidc::routes(&realm))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn_with_state(throttle, slow_down));
    let files = web_client(realm.config.web_dir.as_deref());
    let no_sniffing = SetResponseHeaderLayer::overriding(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    Router::new()
        .merge(logins)
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
    State(throttle): State<Arc<Throttle>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if !throttle.admit(address.ip(), Instant::now()) {
        meters::refused("logins");
        return Problem::TOO_MANY.into_response();
    }
    let response = next.run(request).await;
    if response.status().is_client_error() {
        throttle.refused(address.ip());
    }
    response
}
