//! All routes of an edge that shows a recorded world: the page, its maps, and the websocket. Nobody can log in.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get};
use runtime::Health;
use tower_http::set_header::SetResponseHeaderLayer;

use super::maps::map;
use super::problem::Problem;
use super::resources;
use super::start::WEBSOCKET;
use super::web_client::web_client;
use crate::realm::Realm;
use crate::ws::upgrade;

/// The past over HTTP.
pub(crate) fn past_router(realm: Arc<Realm>, health: Health) -> Router {
    let files = web_client(realm.config.web_dir.as_deref());
    let no_sniffing = SetResponseHeaderLayer::overriding(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    Router::new()
        .route("/maps/{file}", get(map))
        .route("/v1/resources", get(resources::gate))
        .route(WEBSOCKET, any(upgrade))
        .merge(files)
        .method_not_allowed_fallback(async || Problem::WRONG_METHOD)
        .layer(from_fn_with_state(Arc::clone(&realm), to_the_recording))
        .with_state(realm)
        .merge(runtime::ops_router(health))
        .layer(no_sniffing)
}

/// The page shows what its address says; without that, it shows what this edge was started with.
async fn to_the_recording(
    State(realm): State<Arc<Realm>>,
    request: Request,
    next: Next,
) -> Response {
    let uri = request.uri();
    match &realm.recording {
        Some(recording) if uri.path() == "/" && uri.query().is_none() => {
            Redirect::temporary(&recording.page()).into_response()
        }
        _ => next.run(request).await,
    }
}
