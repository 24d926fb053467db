//! `GET /maps/<name>.json`, and the pictures that maps refer to.

use std::path::Path;

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::in_path::InPath;
use super::problem::Problem;

/// A map as a browser draws it, or a file that maps refer to.
pub(super) async fn map(InPath(file): InPath) -> Response {
    // A map changes with the build; browsers ask again, and a day old is old.
    let kept = [(header::CACHE_CONTROL, "no-cache")];
    let builtin = file.strip_suffix(".json").and_then(world::maps::builtin);
    if let Some(map) = builtin {
        return (kept, Json(map.map.to_client())).into_response();
    }
    let kind = match Path::new(&file).extension().and_then(|e| e.to_str()) {
        Some("png") => "image/png",
        Some("tsx" | "tmx") => "application/xml",
        _ => return Problem::NOT_FOUND.into_response(),
    };
    match world::maps::asset(&file) {
        Some(bytes) => {
            let kind = [(header::CONTENT_TYPE, kind)];
            (kept, kind, bytes).into_response()
        }
        None => Problem::NOT_FOUND.into_response(),
    }
}
