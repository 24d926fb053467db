//! The web client's files, or a page that says why there is none.

use std::path::Path;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use tower_http::services::{ServeDir, ServeFile};
use tower_http::set_header::SetResponseHeaderLayer;

use super::problem::Problem;

const HINT: &str = include_str!("no_web_client.html");

/// Serves `dir` at `/`, if a client was built there.
pub(super) fn web_client<S: Clone + Send + Sync + 'static>(dir: Option<&Path>) -> Router<S> {
    let index = dir
        .map(|dir| dir.join("index.html"))
        .filter(|index| index.is_file());
    match (dir, index) {
        (Some(dir), Some(index)) => {
            tracing::info!(dir = %dir.display(), "serving the web client");
            let fresh = SetResponseHeaderLayer::if_not_present(
                header::CACHE_CONTROL,
                HeaderValue::from_static("no-cache"),
            );
            let files = ServeDir::new(dir).not_found_service(ServeFile::new(index));
            Router::new().fallback_service(files).layer(fresh)
        }
        _ => {
            tracing::info!("no web client is built; serving a page that says how");
            Router::new()
                .route("/", get(async || (StatusCode::OK, Html(HINT))))
                .fallback(async || Problem::NOT_FOUND.into_response())
        }
    }
}
